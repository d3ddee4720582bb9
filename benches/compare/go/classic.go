package main

import (
	"math"
	"testing"
	"time"
)

func init() {
	timed("ring", ring)
	timed("matmult", matmult)
	programs["sieve"] = sieve
	programs["skynet"] = skynet
}

// ring: a token goes round t.a goroutines, b.N hops in all.
func ring(b *testing.B, t task) {
	first := make(chan int)
	in := first
	for range t.a - 1 {
		out := make(chan int)
		go func(in <-chan int, out chan<- int) {
			for token := range in {
				out <- token + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	b.ResetTimer()
	rounds := b.N/t.a + 1
	hops := 0
	for range rounds {
		first <- 0
		hops += <-in + 1
	}
	b.StopTimer()
	close(first)
	<-in
	if hops != rounds*t.a {
		b.Fatal("lost a hop")
	}
	b.ReportMetric(float64(hops), "ops")
}

// sieve: the concurrent prime sieve up to the t.n-th prime. Its goroutines end
// with the process.
func sieve(t task) *report {
	start := time.Now()
	in := make(chan int)
	go generate(in)
	prime := 0
	for range t.n {
		prime = <-in
		out := make(chan int)
		go filter(in, out, prime)
		in = out
	}
	r := newReport()
	r.Ops = t.n
	r.Values["ns"] = nsEach(time.Since(start), t.n)
	r.Extras["last_prime"] = float64(prime)
	return r
}

func generate(out chan<- int) {
	for i := 2; ; i++ {
		out <- i
	}
}

// filter passes on what prime does not divide.
func filter(in <-chan int, out chan<- int, prime int) {
	for {
		if i := <-in; i%prime != 0 {
			out <- i
		}
	}
}

// skynet: a tree of goroutines, ten children each, with t.n leaves whose
// numbers are summed up.
func skynet(t task) *report {
	run := func() time.Duration {
		start := time.Now()
		result := make(chan int)
		go branch(result, 0, t.n)
		sum := <-result
		took := time.Since(start)
		if sum != t.n*(t.n-1)/2 {
			panic("skynet: wrong sum")
		}
		return took
	}
	r := newReport()
	r.Ops = t.n
	r.Values["cold"] = nsEach(run(), t.n)
	r.Values["warm"] = nsEach(run(), t.n)
	return r
}

func branch(result chan<- int, number, size int) {
	if size == 1 {
		result <- number
		return
	}
	children := make(chan int, 10)
	size /= 10
	for i := range 10 {
		go branch(children, number+i*size, size)
	}
	sum := 0
	for range 10 {
		sum += <-children
	}
	result <- sum
}

type matrix [][]float64

func newMatrix(n int) matrix {
	m := make(matrix, n)
	for i := range m {
		m[i] = make([]float64, n)
		for j := range m[i] {
			m[i][j] = float64(i*n + j)
		}
	}
	return m
}

// matmult: C += A·B by divide and conquer; b.N is the number of multiply-adds.
func matmult(b *testing.B, _ task) {
	b.StopTimer()
	n := int(math.Cbrt(float64(b.N))) + 1
	x, y, z := newMatrix(n), newMatrix(n), newMatrix(n)
	b.StartTimer()
	multiply(nil, x, y, z, 0, n, 0, n, 0, n)
}

const threshold = 8

func multiply(done chan<- struct{}, x, y, z matrix, i0, i1, j0, j1, k0, k1 int) {
	di, dj, dk := i1-i0, j1-j0, k1-k0
	switch {
	case di >= dj && di >= dk && di >= threshold:
		mi := i0 + di/2
		other := make(chan struct{}, 1)
		go multiply(other, x, y, z, i0, mi, j0, j1, k0, k1)
		multiply(nil, x, y, z, mi, i1, j0, j1, k0, k1)
		<-other
	case dj >= dk && dj >= threshold:
		mj := j0 + dj/2
		other := make(chan struct{}, 1)
		go multiply(other, x, y, z, i0, i1, j0, mj, k0, k1)
		multiply(nil, x, y, z, i0, i1, mj, j1, k0, k1)
		<-other
	case dk >= threshold:
		mk := k0 + dk/2 // not in parallel: both halves add to the same cells
		multiply(nil, x, y, z, i0, i1, j0, j1, k0, mk)
		multiply(nil, x, y, z, i0, i1, j0, j1, mk, k1)
	default:
		for i := i0; i < i1; i++ {
			for j := j0; j < j1; j++ {
				for k := k0; k < k1; k++ {
					z[i][j] += x[i][k] * y[k][j]
				}
			}
		}
	}
	if done != nil {
		done <- struct{}{}
	}
}
