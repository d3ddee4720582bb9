package main

import (
	"fmt"
)

func main() {
	ch1 := make(chan int)
	ch2 := make(chan int)

	go func() {
		ch1 <- 100
	}()

	go func() {
		v := <-ch1
		ch2 <- v
	}()
	fmt.Println(<-ch2)
}
