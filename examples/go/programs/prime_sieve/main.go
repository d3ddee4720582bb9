// A chain of goroutines, one for each prime, each of which lets pass what its prime does not
// divide.
package main

import "fmt"

// generate sends 2, 3, 4, … to c.
func generate(c chan<- int) {
	for i := 2; ; i++ {
		c <- i
	}
}

// filter copies what prime does not divide.
func filter(in <-chan int, out chan<- int, prime int) {
	for {
		i := <-in
		if i%prime != 0 {
			out <- i
		}
	}
}

func main() {
	c := make(chan int)
	go generate(c)
	for range 50 {
		prime := <-c
		fmt.Println(prime)
		next := make(chan int)
		go filter(c, next, prime)
		c = next
	}
}
