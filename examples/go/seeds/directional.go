package main

import "fmt"

// counter can only send.
func counter(cnt chan<- int) {
	for i := 1; i <= 5; i++ {
		cnt <- i
	}
	close(cnt)
}

// square can only receive from in, and only send to out.
func square(in <-chan int, out chan<- int) {
	for v := range in {
		out <- v * v
	}
	close(out)
}

func main() {
	numbers := make(chan int)
	squares := make(chan int)
	go counter(numbers)
	go square(numbers, squares)
	for v := range squares {
		fmt.Println(v)
	}
}
