// Three workers share the jobs of one channel and put their results into another.
package main

import (
	"fmt"
	"sync"
)

const workers = 3

type job struct {
	id int
	n  uint64
}

type result struct {
	job   job
	steps int
}

// collatz counts the steps from n to 1.
func collatz(n uint64) int {
	steps := 0
	for n != 1 {
		if n%2 == 0 {
			n /= 2
		} else {
			n = 3*n + 1
		}
		steps++
	}
	return steps
}

func worker(jobs <-chan job, results chan<- result, wg *sync.WaitGroup) {
	defer wg.Done()
	for j := range jobs {
		results <- result{j, collatz(j.n)}
	}
}

func main() {
	jobs := make(chan job)
	results := make(chan result, workers)

	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go worker(jobs, results, &wg)
	}

	// The jobs go in from a goroutine of their own, so that main can take the results.
	go func() {
		for id, n := range []uint64{1, 7, 27, 97, 871, 6171, 77031, 837799} {
			jobs <- job{id, n}
		}
		close(jobs)
	}()

	// Nobody sends any more when all workers have ended.
	go func() {
		wg.Wait()
		close(results)
	}()

	all := make([]result, 8)
	total := 0
	for r := range results {
		all[r.job.id] = r
		total += r.steps
	}
	for _, r := range all {
		fmt.Printf("job %d: %d takes %d steps\n", r.job.id, r.job.n, r.steps)
	}
	fmt.Printf("%d steps in all\n", total)
}
