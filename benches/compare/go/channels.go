package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func init() {
	timed("pingpong", pingPong)
	timed("stream", stream)
	timed("mpmc", mpmc)
	timed("make", makeChan)
	timed("chan-nonblocking", chanNonblocking)
	timed("chan-uncontended", chanUncontended)
	timed("chan-contended", chanContended)
	timed("chan-sync", chanSync)
	timed("prodcons", prodCons)
	timed("chan-drain-closed", chanDrainClosed)
	timed("chan-creation", chanCreation)
	timed("chan-sem", chanSem)
	timed("chan-popular", chanPopular)
	timed("chan-closed", chanClosed)
}

// pingPong: b.N round trips over two unbuffered channels.
func pingPong(b *testing.B, _ task) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
		close(pong)
	}()
	for i := range b.N {
		ping <- i
		<-pong
	}
	close(ping)
	<-pong
}

// stream: one producer, one consumer, capacity t.a.
func stream(b *testing.B, t task) {
	c := make(chan int, t.a)
	go func() {
		for i := range b.N {
			c <- i
		}
		close(c)
	}()
	for range c {
	}
}

// mpmc: t.a producers and as many consumers on one channel of capacity t.b.
func mpmc(b *testing.B, t task) {
	c := make(chan int, t.b)
	var producers, consumers sync.WaitGroup
	for range t.a {
		producers.Go(func() {
			for i := range b.N / t.a {
				c <- i
			}
		})
		consumers.Go(func() {
			for range c {
			}
		})
	}
	producers.Wait()
	close(c)
	consumers.Wait()
}

type (
	struct0  struct{}
	struct32 struct{ a, b, c, d int64 }
	struct40 struct{ a, b, c, d, e int64 }
)

func makeOf[T any](b *testing.B) {
	var c chan T
	for range b.N {
		c = make(chan T, 8)
	}
	close(c)
}

// makeChan: a channel of 8 elements of the t.a-th kind.
func makeChan(b *testing.B, t task) {
	switch t.a {
	case 0:
		makeOf[byte](b)
	case 1:
		makeOf[int](b)
	case 2:
		makeOf[*byte](b)
	case 3:
		makeOf[struct0](b)
	case 4:
		makeOf[struct32](b)
	default:
		makeOf[struct40](b)
	}
}

func chanNonblocking(b *testing.B, _ task) {
	c := make(chan int)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			select {
			case <-c:
			default:
			}
		}
	})
}

const batch = 100

func fillAndDrain(c chan int) {
	for range batch {
		c <- 0
	}
	for range batch {
		<-c
	}
}

func chanUncontended(b *testing.B, _ task) {
	b.RunParallel(func(pb *testing.PB) {
		c := make(chan int, batch)
		for pb.Next() {
			fillAndDrain(c)
		}
	})
}

func chanContended(b *testing.B, _ task) {
	c := make(chan int, batch*runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			fillAndDrain(c)
		}
	})
}

const callsPerSched = 1000

// chanSync: two goroutines take turns in sending, t.a steps of work after each.
func chanSync(b *testing.B, t task) {
	const procs = 2
	var turns atomic.Int64
	turns.Store(int64(b.N / callsPerSched / procs * procs))
	done := make(chan bool, procs)
	c := make(chan int)
	for range procs {
		go func() {
			for {
				turn := turns.Add(-1)
				if turn < 0 {
					break
				}
				for range callsPerSched {
					if turn%2 == 0 {
						<-c
						work(t.a)
						c <- 0
						work(t.a)
					} else {
						c <- 0
						work(t.a)
						<-c
						work(t.a)
					}
				}
			}
			done <- true
		}()
	}
	for range procs {
		<-done
	}
}

// prodCons: GOMAXPROCS producers and consumers, capacity t.a, t.b steps of
// work on either side.
func prodCons(b *testing.B, t task) {
	procs := runtime.GOMAXPROCS(0)
	var batches atomic.Int64
	batches.Store(int64(b.N / callsPerSched))
	done := make(chan bool, 2*procs)
	c := make(chan int, t.a)
	for range procs {
		go func() {
			for batches.Add(-1) >= 0 {
				for range callsPerSched {
					work(t.b)
					c <- 1
				}
			}
			c <- 0
			done <- true
		}()
		go func() {
			for <-c != 0 {
				work(t.b)
			}
			done <- true
		}()
	}
	for range 2 * procs {
		<-done
	}
}

func chanDrainClosed(b *testing.B, _ task) {
	c := make(chan struct{}, b.N)
	for range b.N {
		c <- struct{}{}
	}
	close(c)
	b.ResetTimer()
	for range c {
	}
}

func chanCreation(b *testing.B, _ task) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c := make(chan int, 1)
			c <- 0
			<-c
		}
	})
}

func chanSem(b *testing.B, _ task) {
	c := make(chan struct{}, runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c <- struct{}{}
			<-c
		}
	})
}

// chanPopular: 1,000 goroutines select on one shared channel and one each.
func chanPopular(b *testing.B, _ task) {
	const n = 1000
	shared := make(chan bool)
	var own []chan bool
	var wg sync.WaitGroup
	for range n {
		d := make(chan bool)
		own = append(own, d)
		wg.Go(func() {
			for range b.N {
				select {
				case <-shared:
				case <-d:
				}
			}
		})
	}
	for range b.N {
		for _, d := range own {
			d <- true
		}
	}
	wg.Wait()
}

func chanClosed(b *testing.B, _ task) {
	c := make(chan struct{})
	close(c)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			select {
			case <-c:
			default:
				b.Error("a closed channel is always ready")
			}
		}
	})
}
