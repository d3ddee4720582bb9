// A fixed number of goroutines behind an unbuffered channel: when Run returns, one of them has the work.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Worker must be implemented by types that want to use the work pool.
type Worker interface {
	Task()
}

// Pool provides a pool of goroutines that can execute any Worker tasks that are submitted.
type Pool struct {
	work chan Worker
	wg   sync.WaitGroup
}

// New creates a new work pool.
func New(maxGoroutines int) *Pool {
	p := Pool{work: make(chan Worker)}
	p.wg.Add(maxGoroutines)
	for i := 0; i < maxGoroutines; i++ {
		go func() {
			for w := range p.work {
				w.Task()
			}
			p.wg.Done()
		}()
	}
	return &p
}

// Run submits work to the pool.
func (p *Pool) Run(w Worker) {
	p.work <- w
}

// Shutdown waits for all the goroutines to shutdown.
func (p *Pool) Shutdown() {
	close(p.work)
	p.wg.Wait()
}

type greeting string

func (name greeting) Task() {
	fmt.Println("hello,", string(name))
}

var running, greatest, done atomic.Int32

// job notes how many of its kind run at the same time.
type job struct{}

func (job) Task() {
	now := running.Add(1)
	for most := greatest.Load(); now > most && !greatest.CompareAndSwap(most, now); most = greatest.Load() {
	}
	time.Sleep(time.Millisecond)
	running.Add(-1)
	done.Add(1)
}

func main() {
	p := New(1)
	for _, name := range []string{"steve", "bob", "mary"} {
		p.Run(greeting(name))
	}
	p.Shutdown()

	p = New(4)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 10 {
				p.Run(job{})
			}
		})
	}
	wg.Wait()
	p.Shutdown()
	fmt.Println(done.Load(), "jobs, never more than four at a time:", greatest.Load() <= 4)
}
