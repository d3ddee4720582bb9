package main

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

func init() {
	preloaded("timer-afterfunc", timerAfterFunc)
	preloaded("timer-after", func(pb *testing.PB) {
		for pb.Next() {
			<-time.After(1)
		}
	})
	preloaded("timer-stop-chan", func(pb *testing.PB) {
		for pb.Next() {
			time.NewTimer(time.Second).Stop()
		}
	})
	preloaded("timer-stop-func", func(pb *testing.PB) {
		for pb.Next() {
			time.AfterFunc(time.Second, nothing).Stop()
		}
	})
	preloaded("timer-reset-chan", func(pb *testing.PB) {
		t := time.NewTimer(time.Hour)
		for pb.Next() {
			t.Reset(time.Hour)
		}
		t.Stop()
	})
	preloaded("timer-reset-func", func(pb *testing.PB) {
		t := time.AfterFunc(time.Hour, nothing)
		for pb.Next() {
			t.Reset(time.Hour)
		}
		t.Stop()
	})
	preloaded("timer-simultaneous", timerSimultaneous)
	preloaded("timer-startstop", timerStartStop)
	preloaded("timer-sleep", timerSleep)
	preloaded("ticker", func(pb *testing.PB) {
		ticker := time.NewTicker(time.Nanosecond)
		for pb.Next() {
			<-ticker.C
		}
		ticker.Stop()
	})
	preloaded("ticker-reset", func(pb *testing.PB) {
		ticker := time.NewTicker(time.Nanosecond)
		for pb.Next() {
			ticker.Reset(2 * time.Nanosecond)
		}
		ticker.Stop()
	})
	programs["sleeps"] = sleeps
}

// preloaded registers a benchmark that runs on every permit, with 32,768 idle
// timers on each permit's heap.
func preloaded(name string, body func(*testing.PB)) {
	programs[name] = func(task) *report {
		var wg sync.WaitGroup
		idle := make([][]*time.Timer, runtime.GOMAXPROCS(0))
		for i := range idle {
			wg.Go(func() {
				idle[i] = make([]*time.Timer, 1<<15)
				for j := range idle[i] {
					idle[i][j] = time.AfterFunc(time.Hour, nil)
				}
			})
		}
		wg.Wait()
		r := perOp(testing.Benchmark(func(b *testing.B) { b.RunParallel(body) }))
		runtime.KeepAlive(idle)
		return r
	}
}

// timerAfterFunc: a chain of 1,000 functions, each of which starts the next.
func timerAfterFunc(pb *testing.PB) {
	for pb.Next() {
		n := 1000
		done := make(chan bool)
		var f func()
		f = func() {
			n--
			if n >= 0 {
				time.AfterFunc(0, f)
			} else {
				done <- true
			}
		}
		time.AfterFunc(0, f)
		<-done
	}
}

func timerSimultaneous(pb *testing.PB) {
	for pb.Next() {
		const n = 1000
		var wg sync.WaitGroup
		wg.Add(n)
		for range n {
			time.AfterFunc(0, wg.Done)
		}
		wg.Wait()
	}
}

func timerStartStop(pb *testing.PB) {
	for pb.Next() {
		timers := make([]*time.Timer, 1000)
		for i := range timers {
			timers[i] = time.AfterFunc(time.Hour, nil)
		}
		for i := range timers {
			timers[i].Stop()
		}
	}
}

func timerSleep(pb *testing.PB) {
	for pb.Next() {
		const n = 1000
		var wg sync.WaitGroup
		wg.Add(n)
		for range n {
			go func() {
				time.Sleep(time.Nanosecond)
				wg.Done()
			}()
		}
		wg.Wait()
	}
}

// sleeps: t.n goroutines sleep for 1 to 100 ms at the same time.
func sleeps(t task) *report {
	run := func() float64 {
		start := time.Now()
		var wg sync.WaitGroup
		wg.Add(t.n)
		for i := range t.n {
			go func() {
				time.Sleep(spreadSleep(i))
				wg.Done()
			}()
		}
		wg.Wait()
		return float64(time.Since(start).Nanoseconds()) / 1e6
	}
	r := newReport()
	r.Ops = t.n
	r.Values["cold"] = run()
	r.Values["warm"] = run()
	return r
}
