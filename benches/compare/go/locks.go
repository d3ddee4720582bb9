package main

import (
	"sync"
	"testing"
)

func init() {
	timed("mutex-goroutines", mutexGoroutines)
	timed("mutex-uncontended", mutexUncontended)
	timed("mutex", mutexShared)
	timed("mutex-nospin", mutexNoSpin)
	timed("mutex-spin", mutexSpin)
	timed("rw-uncontended", rwUncontended)
	timed("rw", rwShared)
	timed("once", once)
	timed("cond", cond)
	timed("wg-uncontended", wgUncontended)
	timed("wg-adddone", wgAddDone)
	timed("wg-wait", wgWait)
	timed("wg-actually-wait", wgActuallyWait)
}

// mutexGoroutines: t.a goroutines count to b.N under one mutex.
func mutexGoroutines(b *testing.B, t task) {
	var mu sync.Mutex
	count := 0
	var wg sync.WaitGroup
	for range t.a {
		wg.Go(func() {
			for range b.N / t.a {
				mu.Lock()
				count++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if count != b.N/t.a*t.a {
		b.Fatal("lost a count")
	}
}

func mutexUncontended(b *testing.B, _ task) {
	type padded struct {
		sync.Mutex
		_ [128]uint8
	}
	b.RunParallel(func(pb *testing.PB) {
		var mu padded
		for pb.Next() {
			mu.Lock()
			mu.Unlock()
		}
	})
}

// mutexShared: t.a × GOMAXPROCS goroutines, t.b steps of work outside.
func mutexShared(b *testing.B, t task) {
	var mu sync.Mutex
	b.SetParallelism(t.a)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			mu.Unlock()
			work(t.b)
		}
	})
}

// mutexNoSpin: spinning in the lock is of no use, others have work to do.
func mutexNoSpin(b *testing.B, _ task) {
	var mu sync.Mutex
	var acc0, acc1 uint64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		c := make(chan bool)
		var data [4 << 10]uint64
		for i := 0; pb.Next(); i++ {
			if i%4 == 0 {
				mu.Lock()
				acc0 -= 100
				acc1 += 100
				mu.Unlock()
			} else {
				for i := 0; i < len(data); i += 4 {
					data[i]++
				}
				// A yield that does not go through the global queue.
				go func() { c <- true }()
				<-c
			}
		}
	})
}

// mutexSpin: rescheduling is of no use, it costs the cached data.
func mutexSpin(b *testing.B, _ task) {
	var mu sync.Mutex
	var acc0, acc1 uint64
	b.RunParallel(func(pb *testing.PB) {
		var data [16 << 10]uint64
		for pb.Next() {
			mu.Lock()
			acc0 -= 100
			acc1 += 100
			mu.Unlock()
			for i := 0; i < len(data); i += 4 {
				data[i]++
			}
		}
	})
}

func rwUncontended(b *testing.B, _ task) {
	type padded struct {
		sync.RWMutex
		_ [32]uint32
	}
	b.RunParallel(func(pb *testing.PB) {
		var rw padded
		for pb.Next() {
			rw.RLock()
			rw.RLock()
			rw.RUnlock()
			rw.RUnlock()
			rw.Lock()
			rw.Unlock()
		}
	})
}

// rwShared: one in t.a is a write, t.b steps of work inside a read lock.
func rwShared(b *testing.B, t task) {
	var rw sync.RWMutex
	b.RunParallel(func(pb *testing.PB) {
		for i := 1; pb.Next(); i++ {
			if i%t.a == 0 {
				rw.Lock()
				rw.Unlock()
			} else {
				rw.RLock()
				work(t.b)
				rw.RUnlock()
			}
		}
	})
}

func once(b *testing.B, _ task) {
	var once sync.Once
	f := func() {}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			once.Do(f)
		}
	})
}

// cond: t.a waiters and a broadcast, b.N times; whoever comes last broadcasts.
func cond(b *testing.B, t task) {
	waiters := t.a
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	done := make(chan bool)
	id := 0
	for range waiters + 1 {
		go func() {
			for range b.N {
				mu.Lock()
				if id == -1 {
					mu.Unlock()
					break
				}
				id++
				if id == waiters+1 {
					id = 0
					c.Broadcast()
				} else {
					c.Wait()
				}
				mu.Unlock()
			}
			mu.Lock()
			id = -1
			c.Broadcast()
			mu.Unlock()
			done <- true
		}()
	}
	for range waiters + 1 {
		<-done
	}
}

func wgUncontended(b *testing.B, _ task) {
	type padded struct {
		sync.WaitGroup
		_ [128]uint8
	}
	b.RunParallel(func(pb *testing.PB) {
		var wg padded
		for pb.Next() {
			wg.Add(1)
			wg.Done()
			wg.Wait()
		}
	})
}

func wgAddDone(b *testing.B, t task) {
	var wg sync.WaitGroup
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			wg.Add(1)
			work(t.a)
			wg.Done()
		}
	})
}

func wgWait(b *testing.B, t task) {
	var wg sync.WaitGroup
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			wg.Wait()
			work(t.a)
		}
	})
}

func wgActuallyWait(b *testing.B, _ task) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var wg sync.WaitGroup
			wg.Add(1)
			go wg.Done()
			wg.Wait()
		}
	})
}
