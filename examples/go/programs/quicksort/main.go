// Sorts the two sides of a partition at the same time.
package main

import (
	"fmt"
	"slices"
	"sync"
)

const (
	length = 200_000
	small  = 1_000 // shorter parts are not worth a goroutine
)

// numbers fills a slice with a fixed sequence.
func numbers(n int) []uint32 {
	a := make([]uint32, n)
	x := uint32(1)
	for i := range a {
		x = x*1_664_525 + 1_013_904_223
		a[i] = x >> 8
	}
	return a
}

// partition returns where the pivot is when smaller numbers are left of it and others right.
func partition(a []uint32) int {
	last := len(a) - 1
	mid := len(a) / 2
	a[mid], a[last] = a[last], a[mid]
	at := 0
	for i := range last {
		if a[i] < a[last] {
			a[i], a[at] = a[at], a[i]
			at++
		}
	}
	a[at], a[last] = a[last], a[at]
	return at
}

func quicksort(a []uint32) {
	if len(a) < 2 {
		return
	}
	at := partition(a)
	left, right := a[:at], a[at+1:]
	if len(a) < small {
		quicksort(left)
		quicksort(right)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { quicksort(left) })
	quicksort(right)
	wg.Wait()
}

func main() {
	a := numbers(length)
	fmt.Println("sorted before:", slices.IsSorted(a))
	quicksort(a)
	fmt.Println("sorted after:", slices.IsSorted(a))
	fmt.Println("smallest:", a[:3])
	fmt.Println("median:", a[length/2])
	fmt.Println("largest:", a[length-3:])
}
