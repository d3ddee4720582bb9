// A map that goroutines share, behind a readers-writer lock.
package main

import (
	"fmt"
	"sync"
)

type SynchronizedMap struct {
	rw   *sync.RWMutex
	data map[interface{}]interface{}
}

func (sm *SynchronizedMap) Put(k, v interface{}) {
	sm.rw.Lock()
	defer sm.rw.Unlock()
	sm.data[k] = v
}

func (sm *SynchronizedMap) Get(k interface{}) interface{} {
	sm.rw.RLock()
	defer sm.rw.RUnlock()
	return sm.data[k]
}

func (sm *SynchronizedMap) Delete(k interface{}) {
	sm.rw.Lock()
	defer sm.rw.Unlock()
	delete(sm.data, k)
}

// Each passes every entry to the function, which may do with it what it likes.
func (sm *SynchronizedMap) Each(cb func(interface{}, interface{})) {
	sm.rw.RLock()
	defer sm.rw.RUnlock()
	for k, v := range sm.data {
		cb(k, v)
	}
}

func NewSynchronizedMap() *SynchronizedMap {
	return &SynchronizedMap{
		rw:   new(sync.RWMutex),
		data: make(map[interface{}]interface{}),
	}
}

func sum(squares *SynchronizedMap) (entries, sum int) {
	squares.Each(func(_, v interface{}) {
		entries++
		sum += v.(int)
	})
	return entries, sum
}

func main() {
	squares := NewSynchronizedMap()
	var wg sync.WaitGroup
	for part := range 10 {
		wg.Go(func() {
			for n := part * 100; n < (part+1)*100; n++ {
				squares.Put(n, n*n)
				squares.Get(n)
			}
		})
	}
	wg.Wait()
	fmt.Println(sum(squares))
	fmt.Println("31 * 31 =", squares.Get(31))

	for part := range 10 {
		wg.Go(func() {
			for n := part; n < 1000; n += 20 {
				squares.Delete(n)
			}
		})
	}
	wg.Wait()
	fmt.Println(sum(squares))
	fmt.Println("9 * 9 is known:", squares.Get(9) != nil)
}
