// Counts down to a launch by the ticks of a clock, unless somebody aborts it.
package main

import (
	"fmt"
	"time"
)

func countdown(from int, every time.Duration, abort <-chan struct{}) bool {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := from; n > 0; n-- {
		fmt.Println(n)
		select {
		case <-ticker.C:
		case <-abort:
			return false
		}
	}
	return true
}

func launch(from int, every time.Duration, abort <-chan struct{}) {
	if countdown(from, every, abort) {
		fmt.Println("lift off!")
	} else {
		fmt.Println("launch aborted!")
	}
}

func main() {
	launch(5, 10*time.Millisecond, nil)

	abort := make(chan struct{})
	time.AfterFunc(10*time.Millisecond, func() { close(abort) })
	launch(10, time.Hour, abort)
}
