package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func init() {
	programs["sleep-accuracy"] = sleepAccuracy
	programs["ticker-hogs"] = tickerHogs
	programs["timer-latency"] = timerLatency
	programs["ticker-staggered"] = tickerStaggered
}

// sleepAccuracy: how late t.n sleeps of t.a µs end. With t.b = 1 beside
// 4 × GOMAXPROCS goroutines that work 20 µs and yield.
func sleepAccuracy(t task) *report {
	var stop atomic.Bool
	var wg sync.WaitGroup
	if t.b == 1 {
		for range 4 * runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for !stop.Load() {
					spin(20 * time.Microsecond)
					runtime.Gosched()
				}
			})
		}
	}
	d := time.Duration(t.a) * time.Microsecond
	late := make([]time.Duration, t.n)
	for i := range late {
		start := time.Now()
		time.Sleep(d)
		late[i] = max(0, time.Since(start)-d)
	}
	stop.Store(true)
	wg.Wait()
	r := newReport()
	r.percentiles(late)
	return r
}

// tickerHogs: gaps beyond the period of a 1 kHz ticker over t.n ms, beside
// t.a × GOMAXPROCS goroutines that never block. The hogs give up two seconds
// after the end, so that a scheduler without preemption shows as a gap.
func tickerHogs(t task) *report {
	window := time.Duration(t.n) * time.Millisecond
	start := time.Now()
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range t.a * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !stop.Load() && time.Since(start) < window+2*time.Second {
			}
		})
	}
	ticker := time.NewTicker(time.Millisecond)
	var gaps []time.Duration
	last := start
	for time.Since(start) < window {
		<-ticker.C
		now := time.Now()
		gaps = append(gaps, max(0, now.Sub(last)-time.Millisecond))
		last = now
	}
	ticker.Stop()
	stop.Store(true)
	wg.Wait()
	r := newReport()
	r.Extras["ticks_percent"] = 100 * float64(len(gaps)) / float64(t.n)
	r.percentiles(gaps)
	return r
}

// timerLatency: GOMAXPROCS-1 timers of 1 ms, over and over, while the main
// goroutine spins.
func timerLatency(t task) *report {
	timers := int32(runtime.GOMAXPROCS(0) - 1)
	warmUp()
	spin(30 * time.Millisecond)
	late := make([]time.Duration, int(timers)*t.n)
	for i := range t.n {
		var wg sync.WaitGroup
		wg.Add(int(timers))
		var count atomic.Int32
		for j := range int(timers) {
			expected := time.Now().Add(time.Millisecond)
			time.AfterFunc(time.Millisecond, func() {
				late[i*int(timers)+j] = max(0, time.Since(expected))
				count.Add(1)
				for count.Load() < timers {
				}
				wg.Done()
			})
		}
		for count.Load() < timers {
		}
		wg.Wait()
		spin(time.Millisecond)
	}
	r := newReport()
	r.percentiles(late)
	return r
}

// tickerStaggered: t.b × GOMAXPROCS tickers of 3 ms, each of which works for
// t.a µs at every tick, t.n ticks each.
func tickerStaggered(t task) *report {
	const period = 3 * time.Millisecond
	tickers := t.b * runtime.GOMAXPROCS(0)
	warmUp()
	late := make([][]time.Duration, tickers)
	var wg sync.WaitGroup
	for j := range tickers {
		late[j] = make([]time.Duration, t.n)
		spin(period / time.Duration(runtime.GOMAXPROCS(0)))
		expected := time.Now().Add(period)
		ticker := time.NewTicker(period)
		wg.Go(func() {
			defer ticker.Stop()
			for i := range late[j] {
				<-ticker.C
				late[j][i] = max(0, time.Since(expected))
				expected = expected.Add(period)
				spin(time.Duration(t.a) * time.Microsecond)
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for _, some := range late {
		all = append(all, some...)
	}
	r := newReport()
	r.percentiles(all)
	return r
}
