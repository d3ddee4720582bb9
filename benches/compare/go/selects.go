package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func init() {
	timed("select-3", select3)
	timed("select-uncontended", selectUncontended)
	timed("select-sync", selectSync)
	timed("select-async", selectAsync)
	timed("select-nonblock", selectNonblock)
	timed("select-prodcons", selectProdCons)
}

// select3: one receiver, three senders with an unbuffered channel each.
func select3(b *testing.B, _ task) {
	each := b.N/3 + 1
	var c [3]chan int
	for i := range c {
		c[i] = make(chan int)
		go func() {
			for j := range each {
				c[i] <- j
			}
		}()
	}
	for range 3 * each {
		select {
		case <-c[0]:
		case <-c[1]:
		case <-c[2]:
		}
	}
}

func selectUncontended(b *testing.B, _ task) {
	b.RunParallel(func(pb *testing.PB) {
		c1, c2 := make(chan int, 1), make(chan int, 1)
		c1 <- 0
		for pb.Next() {
			select {
			case <-c1:
				c2 <- 0
			case <-c2:
				c1 <- 0
			}
		}
	})
}

func selectSync(b *testing.B, _ task) {
	c1, c2, c3 := make(chan int), make(chan int), make(chan int)
	done := make(chan int)
	b.RunParallel(func(pb *testing.PB) {
		go func() {
			for {
				select {
				case c1 <- 0:
				case c2 <- 0:
				case c3 <- 0:
				case <-done:
					return
				}
			}
		}()
		for pb.Next() {
			select {
			case <-c1:
			case <-c2:
			case <-c3:
			}
		}
	})
	close(done)
}

func selectAsync(b *testing.B, _ task) {
	procs := runtime.GOMAXPROCS(0)
	c1, c2 := make(chan int, procs), make(chan int, procs)
	b.RunParallel(func(pb *testing.PB) {
		c1 <- 0
		for pb.Next() {
			select {
			case <-c1:
				c2 <- 0
			case <-c2:
				c1 <- 0
			}
		}
	})
}

func selectNonblock(b *testing.B, _ task) {
	c1, c2 := make(chan int), make(chan int)
	c3, c4 := make(chan int, 1), make(chan int, 1)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			select {
			case <-c1:
			default:
			}
			select {
			case c2 <- 0:
			default:
			}
			select {
			case <-c3:
			default:
			}
			select {
			case c4 <- 0:
			default:
			}
		}
	})
}

func selectProdCons(b *testing.B, _ task) {
	procs := runtime.GOMAXPROCS(0)
	var batches atomic.Int64
	batches.Store(int64(b.N / callsPerSched))
	done := make(chan bool, 2*procs)
	c := make(chan int, 128)
	quit := make(chan bool)
	for range procs {
		go func() {
			never := time.After(time.Hour)
			for batches.Add(-1) >= 0 {
				for range callsPerSched {
					work(100)
					select {
					case c <- 1:
					case <-never:
					case <-quit:
					}
				}
			}
			c <- 0
			done <- true
		}()
		go func() {
			never := time.After(time.Hour)
		loop:
			for {
				select {
				case v := <-c:
					if v == 0 {
						break loop
					}
				case <-never:
				case <-quit:
				}
				work(100)
			}
			done <- true
		}()
	}
	for range 2 * procs {
		<-done
	}
}
