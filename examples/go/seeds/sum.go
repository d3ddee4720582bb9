package main

import (
	"fmt"
)

func main() {
	ch := make(chan int)

	go func() {
		var s int = 0
		for i := 0; i < 10; i++ {
			s += i
		}
		ch <- s
	}()
	//0xc8200180c0
	fmt.Println(ch)
	// 45
	fmt.Println(<-ch)
}
