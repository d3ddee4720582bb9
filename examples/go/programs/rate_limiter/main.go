// Requests at a steady rate, then requests of which a few may come at once.
package main

import (
	"fmt"
	"time"
)

const (
	pace  = 10 * time.Millisecond
	burst = 3
)

// requests returns a channel that holds n requests and is closed.
func requests(n int) <-chan int {
	c := make(chan int, n)
	for i := 1; i <= n; i++ {
		c <- i
	}
	close(c)
	return c
}

func steady() {
	start := time.Now()
	limiter := time.Tick(pace)
	for req := range requests(5) {
		<-limiter
		fmt.Printf("request %d\n", req)
	}
	fmt.Printf("5 requests took 5 ticks: %t\n", time.Since(start) >= 5*pace)
}

func bursty() {
	start := time.Now()
	limiter := make(chan time.Time, burst)
	for range burst {
		limiter <- time.Now()
	}

	// Each tick makes room for one more, as long as the limiter is not full.
	go func() {
		for t := range time.Tick(pace) {
			limiter <- t
		}
	}()

	for req := range requests(5) {
		<-limiter
		fmt.Printf("request %d\n", req)
	}
	fmt.Printf("%d came at once and 2 waited: %t\n", burst, time.Since(start) >= 2*pace)
}

func main() {
	steady()
	bursty()
}
