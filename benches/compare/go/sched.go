package main

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

func init() {
	timed("gosched", gosched)
	timed("spawn-join", spawnJoin)
	timed("create-chain", func(b *testing.B, _ task) { createChains(b, 1) })
	timed("create-parallel", func(b *testing.B, _ task) { createChains(b, runtime.GOMAXPROCS(0)) })
	timed("create-capture", createCapture)
	timed("create-single", createSingle)
	timed("pingpong-hog", pingPongHog)
	timed("wakeup", wakeup)
	programs["spawn-burst"] = spawnBurst
}

// gosched: t.a goroutines share b.N yields.
func gosched(b *testing.B, t task) {
	var wg sync.WaitGroup
	for range t.a {
		wg.Go(func() {
			for range b.N / t.a {
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
}

// burst spawns n goroutines that do nothing, then waits for all of them.
func burst(n int) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	wg.Add(n)
	for range n {
		go wg.Done()
	}
	wg.Wait()
	return time.Since(start)
}

func spawnBurst(t task) *report {
	r := newReport()
	r.Ops = t.n
	r.Values["cold"] = nsEach(burst(t.n), t.n)
	r.Values["warm"] = nsEach(burst(t.n), t.n)
	return r
}

// spawnJoin: Go has no join handle; its idiom is a channel for the result.
func spawnJoin(b *testing.B, _ task) {
	for i := range b.N {
		result := make(chan int, 1)
		go func() { result <- i }()
		if <-result != i {
			b.Fatal("wrong result")
		}
	}
}

// createChains: each goroutine spawns the next.
func createChains(b *testing.B, chains int) {
	done := make(chan bool)
	var next func(n int)
	next = func(n int) {
		if n == 0 {
			done <- true
			return
		}
		go next(n - 1)
	}
	for range chains {
		go next(b.N / chains)
	}
	for range chains {
		<-done
	}
}

func createCapture(b *testing.B, _ task) {
	for range b.N {
		const n = 4
		var wg sync.WaitGroup
		wg.Add(n)
		for i := range n {
			go func() {
				if i >= n {
					b.Log("never: captures b and i")
				}
				wg.Done()
			}()
		}
		wg.Wait()
	}
}

// createSingle: the other permits have to steal from the one producer.
func createSingle(b *testing.B, _ task) {
	warmUp()
	b.ResetTimer()
	var wg sync.WaitGroup
	wg.Add(b.N)
	for range b.N {
		go wg.Done()
	}
	wg.Wait()
}

// pingPongHog: a pair plays ping-pong beside a goroutine that never blocks.
// The parent runs it with one permit.
func pingPongHog(b *testing.B, _ task) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop, done := make(chan bool), make(chan bool)
	go func() {
		for {
			select {
			case <-stop:
				done <- true
				return
			default:
			}
		}
	}()
	ping, pong := make(chan bool), make(chan bool)
	go func() {
		for range b.N {
			pong <- <-ping
		}
		close(stop)
		done <- true
	}()
	go func() {
		for range b.N {
			ping <- <-pong
		}
		done <- true
	}()
	b.ResetTimer()
	ping <- true
	<-stop
	b.StopTimer()
	<-ping
	<-done
	<-done
	<-done
}

// wakeup: two goroutines take turns as sender and receiver, t.a µs apart.
// t.b = 0 spins in between, 1 sleeps in the kernel.
func wakeup(b *testing.B, t task) {
	pause := spin
	if t.b == 1 {
		pause = kernelSleep
	}
	delay := time.Duration(t.a) * time.Microsecond
	const wakeDelay = 5 * time.Microsecond
	ping, pong := make(chan struct{}), make(chan struct{})
	start, done := make(chan struct{}), make(chan struct{})
	go func() {
		<-start
		for range b.N {
			pause(delay + wakeDelay)
			ping <- struct{}{}
			pause(delay)
			<-pong
		}
		done <- struct{}{}
	}()
	go func() {
		for range b.N {
			pause(delay)
			<-ping
			pause(delay + wakeDelay)
			pong <- struct{}{}
		}
		done <- struct{}{}
	}()
	b.ResetTimer()
	start <- struct{}{}
	<-done
	<-done
}

// kernelSleep blocks the thread in the kernel, unlike time.Sleep.
func kernelSleep(d time.Duration) {
	request := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&request, nil)
}
