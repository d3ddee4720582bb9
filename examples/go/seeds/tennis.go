package main

import (
	"fmt"
	"math/rand"
	"sync"
)

var wg sync.WaitGroup

func main() {
	// Create an unbuffered channel
	cnt := make(chan int)
	wg.Add(2)
	go player("Nadal", cnt)
	go player("Djokovic", cnt)
	// Start the set.
	cnt <- 1
	// Wait for the game to finish.
	wg.Wait()
}

func player(name string, cnt chan int) {
	defer wg.Done()
	for {
		ball, ok := <-cnt
		if !ok {
			fmt.Printf("Player %s Won\n", name)
			return
		}
		n := rand.Intn(100)
		if n%13 == 0 {
			fmt.Printf("Player %s Missed\n", name)
			// Close the channel to signal we lost.
			close(cnt)
			return
		}
		// Display and then increment the hit count by one.
		fmt.Printf("Player %s Hit %d\n", name, ball)
		ball++
		// Hit the ball back to the opposing player.
		cnt <- ball
	}
}
