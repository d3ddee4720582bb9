package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

func init() {
	programs["parked"] = parked
	programs["unstarted"] = unstarted
	programs["burst-rest"] = burstRest
}

// parkMany starts n goroutines that wait for gate, and returns when all of
// them do.
func parkMany(n int, gate <-chan struct{}, wg *sync.WaitGroup) {
	startMany(n, gate, wg)
	time.Sleep(20 * time.Millisecond)
}

// startMany is the same, but returns when all of them have started.
func startMany(n int, gate <-chan struct{}, wg *sync.WaitGroup) {
	var started sync.WaitGroup
	started.Add(n)
	wg.Add(n)
	for range n {
		go func() {
			started.Done()
			<-gate
			wg.Done()
		}()
	}
	started.Wait()
}

func parked(t task) *report {
	gate := make(chan struct{})
	var wg sync.WaitGroup
	before := readMemory()
	parkMany(t.n, gate, &wg)
	after := readMemory()
	close(gate)
	wg.Wait()
	r := newReport()
	r.Ops = t.n
	r.atMemory(after)
	r.Values["bytes"] = after.bytesEach(before, t.n)
	return r
}

// unstarted: goroutines that were spawned and have not run. The scheduler may
// take the spawner's permit away and start them, so the memory counts at the
// last moment at which none had started, or if there was none at the end; how
// many had started by then is an extra.
func unstarted(t task) *report {
	// The other permits are kept busy.
	var started atomic.Int64
	var stop atomic.Bool
	for range runtime.GOMAXPROCS(0) - 1 {
		go func() {
			for !stop.Load() {
			}
		}()
	}
	time.Sleep(5 * time.Millisecond)

	gate := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(t.n)
	before := readMemory()
	last, spawned := before, 0
	for i := range t.n {
		go func() {
			started.Add(1)
			<-gate
			wg.Done()
		}()
		if (i+1)%1000 == 0 && started.Load() == 0 {
			if now := readMemory(); started.Load() == 0 {
				last, spawned = now, i+1
			}
		}
	}
	end := readMemory()
	early := started.Load()
	stop.Store(true)
	close(gate)
	wg.Wait()
	r := newReport()
	r.Ops = spawned
	r.atMemory(end)
	if spawned > 0 {
		r.Values["bytes"] = last.bytesEach(before, spawned)
	} else {
		r.Values["bytes"] = end.bytesEach(before, t.n)
	}
	r.Extras["counted_over"] = float64(spawned)
	r.Extras["bytes_at_end"] = end.bytesEach(before, t.n)
	r.Extras["started_at_end"] = float64(early)
	return r
}

// burstRest: what is left of t.n parked goroutines after they ended, after
// t.a seconds for each million, and after asking for it.
func burstRest(t task) *report {
	before := readMemory()
	gate := make(chan struct{})
	var wg sync.WaitGroup
	parkMany(t.n, gate, &wg)
	peak := readMemory()
	close(gate)
	wg.Wait()
	ended := readMemory()
	time.Sleep(time.Duration(max(1, t.a*t.n/1_000_000)) * time.Second)
	rest := readMemory()
	debug.FreeOSMemory()
	freed := readMemory()
	r := newReport()
	r.Ops = t.n
	r.atMemory(rest)
	r.Extras["peak"] = peak.bytesEach(before, t.n)
	r.Extras["ended"] = ended.bytesEach(before, t.n)
	r.Values["rest"] = rest.bytesEach(before, t.n)
	r.Values["freed"] = freed.bytesEach(before, t.n)
	return r
}
