// A goroutine for each file, of which four at a time do their work.
package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"

	"programs/semaphore"
)

const (
	files = 12
	limit = 4
)

var running, peak atomic.Int64

// digest works on one file.
func digest(name string) uint32 {
	now := running.Add(1)
	defer running.Add(-1)
	for seen := peak.Load(); now > seen; seen = peak.Load() {
		peak.CompareAndSwap(seen, now)
	}

	time.Sleep(2 * time.Millisecond) // reading it takes a while
	h := fnv.New32a()
	h.Write([]byte(strings.Repeat(name, 100)))
	return h.Sum32()
}

func main() {
	ctx := context.Background()
	sem := semaphore.NewWeighted(limit)
	digests := make([]uint32, files)

	for i := range digests {
		if err := sem.Acquire(ctx, 1); err != nil {
			fmt.Println(err)
			return
		}
		go func() {
			defer sem.Release(1)
			digests[i] = digest(fmt.Sprintf("file%02d", i))
		}()
	}

	// Who has all tokens knows that nobody works any more.
	if err := sem.Acquire(ctx, limit); err != nil {
		fmt.Println(err)
		return
	}
	for i, d := range digests {
		fmt.Printf("file%02d %08x\n", i, d)
	}
	fmt.Printf("never more than %d at a time: %t\n", limit, peak.Load() <= limit)

	// With all tokens taken, a request with a time limit fails.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	fmt.Println(sem.Acquire(ctx, 1))
}
