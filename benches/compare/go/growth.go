package main

import (
	"sync"
	"time"
)

func init() {
	programs["growth-spawn"] = spawnBurst
	programs["growth-park"] = growthPark
	programs["park-restart"] = parkRestart
	programs["growth-timers"] = growthTimers
	programs["growth-chans"] = growthChans
}

// growthPark: t.n goroutines park on one channel; then each is sent a value
// and ends.
func growthPark(t task) *report {
	r := newReport()
	r.Ops = t.n
	gate := make(chan struct{})
	var wg sync.WaitGroup
	start := time.Now()
	startMany(t.n, gate, &wg)
	r.Values["park"] = nsEach(time.Since(start), t.n)
	r.atMemory(readMemory())
	start = time.Now()
	for range t.n {
		gate <- struct{}{}
	}
	wg.Wait()
	r.Values["wake"] = nsEach(time.Since(start), t.n)
	return r
}

// parkRestart: t.n goroutines park and end, in a fresh process and once more.
func parkRestart(t task) *report {
	r := newReport()
	r.Ops = t.n
	for _, metric := range []string{"first", "restart"} {
		gate := make(chan struct{})
		var wg sync.WaitGroup
		start := time.Now()
		startMany(t.n, gate, &wg)
		r.Values[metric] = nsEach(time.Since(start), t.n)
		r.atMemory(readMemory())
		close(gate)
		wg.Wait()
	}
	return r
}

func nothing() {}

// growthTimers: t.n timers with deadlines one to two hours away.
func growthTimers(t task) *report {
	r := newReport()
	r.Ops = t.n
	timers := make([]*time.Timer, t.n)
	start := time.Now()
	for i := range timers {
		timers[i] = time.AfterFunc(time.Hour+time.Duration(uint64(i)*7919%3_600_000)*time.Millisecond, nothing)
	}
	r.Values["start"] = nsEach(time.Since(start), t.n)
	start = time.Now()
	for _, timer := range timers {
		timer.Stop()
	}
	r.Values["stop"] = nsEach(time.Since(start), t.n)
	return r
}

// growthChans: t.n channels of one value, filled in order and emptied in
// order.
func growthChans(t task) *report {
	r := newReport()
	r.Ops = t.n
	chans := make([]chan int, t.n)
	start := time.Now()
	for i := range chans {
		chans[i] = make(chan int, 1)
	}
	r.Values["make"] = nsEach(time.Since(start), t.n)
	start = time.Now()
	for i, c := range chans {
		c <- i
	}
	for _, c := range chans {
		<-c
	}
	r.Values["use"] = nsEach(time.Since(start), t.n)
	return r
}
