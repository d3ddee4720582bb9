package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// memory is what the kernel says about this process.
type memory struct{ rss, pte uint64 }

// readMemory reads VmRSS and VmPTE, in KiB.
func readMemory() (m memory) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		value, _ := strconv.ParseUint(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			m.rss = value
		case "VmPTE:":
			m.pte = value
		}
	}
	return m
}

// bytesEach is the growth since before, for each of n.
func (m memory) bytesEach(before memory, n int) float64 {
	grown := int64(m.rss+m.pte) - int64(before.rss+before.pte)
	return float64(grown) * 1024 / float64(max(n, 1))
}

func (r *report) atMemory(m memory) { r.RSS, r.PTE = m.rss, m.pte }

// nsEach is d for each of n.
func nsEach(d time.Duration, n int) float64 {
	return float64(d.Nanoseconds()) / float64(max(n, 1))
}

// sink keeps the result of work alive.
var sink atomic.Uint64

// work is a chain of dependent shift, xor and multiply, the same as on the Rust
// side: LLVM would delete the `foo *= 2; foo /= 2` of Go's own benchmarks.
func work(steps int) {
	x := uint64(steps)
	for range steps {
		x = (x ^ (x >> 7)) * 0x9E3779B97F4A7C15
	}
	if x == 42 {
		sink.Store(x)
	}
}

// spin spins on the clock.
func spin(d time.Duration) {
	start := time.Now()
	for time.Since(start) < d {
	}
}

// spreadSleep is the i-th of many sleep times between 1 and 100 ms, the same
// series as on the Rust side.
func spreadSleep(i int) time.Duration {
	return time.Duration(1000+uint64(i)*7919%99000) * time.Microsecond
}

// warmUp makes sure that there are as many threads as permits and that all of
// them have run.
func warmUp() {
	n := int32(runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	var count atomic.Int32
	for range n {
		wg.Go(func() {
			count.Add(1)
			for count.Load() < n {
			}
			spin(time.Millisecond)
		})
	}
	wg.Wait()
}
