// Command gors-compare-go is the Go side of the comparison: one program for
// each row, under the same name as in the Rust contenders. It is started by
// gors-compare and prints one line of JSON.
//
//	gors-compare-go PROGRAM N TARGET_MS A B
//
// GOMAXPROCS comes from the environment. GOGC is left at its default.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"testing"
	"time"
)

// task is what the parent asks for: the size of a fixed row (0: timed), how
// long the last run of a timed row should last, and two parameters.
type task struct {
	n      int
	target time.Duration
	a, b   int
}

// report is the answer.
type report struct {
	Values map[string]float64 `json:"values"`
	Extras map[string]float64 `json:"extras"`
	Ops    int                `json:"ops"`
	RSS    uint64             `json:"rss_kib"`
	PTE    uint64             `json:"pte_kib"`
}

func newReport() *report {
	return &report{Values: map[string]float64{}, Extras: map[string]float64{}}
}

// programs maps the names of the row table to functions. Each file adds its
// own.
var programs = map[string]func(task) *report{}

// timed registers a benchmark in the form of Go's own: b.N operations.
func timed(name string, bench func(b *testing.B, t task)) {
	programs[name] = func(t task) *report {
		return perOp(testing.Benchmark(func(b *testing.B) { bench(b, t) }))
	}
}

// perOp is the report of a timed row. A benchmark that had to round b.N says
// what it did as the metric "ops".
func perOp(result testing.BenchmarkResult) *report {
	r := newReport()
	r.Ops = result.N
	if ops, ok := result.Extra["ops"]; ok {
		r.Ops = int(ops)
	}
	r.Values["ns"] = nsEach(result.T, r.Ops)
	return r
}

// percentiles records p50, p99 and maximum of samples in microseconds.
func (r *report) percentiles(samples []time.Duration) {
	sort.Slice(samples, func(i, j int) bool { return samples[i] < samples[j] })
	at := func(q float64) float64 {
		if len(samples) == 0 {
			return 0
		}
		return float64(samples[int(float64(len(samples)-1)*q+0.5)].Nanoseconds()) / 1e3
	}
	r.Ops = len(samples)
	r.Values["p50"], r.Values["p99"], r.Extras["max_us"] = at(0.5), at(0.99), at(1)
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for name := range programs {
			fmt.Println(name)
		}
		return
	}
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: gors-compare-go PROGRAM N TARGET_MS A B")
		os.Exit(64)
	}
	program, ok := programs[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "unknown program", os.Args[1])
		os.Exit(64)
	}
	var numbers [4]int
	for i := range numbers {
		number, err := strconv.Atoi(os.Args[2+i])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(64)
		}
		numbers[i] = number
	}
	t := task{
		n:      numbers[0],
		target: time.Duration(numbers[1]) * time.Millisecond,
		a:      numbers[2],
		b:      numbers[3],
	}
	testing.Init()
	benchtime := t.target.String()
	if t.n > 0 {
		benchtime = fmt.Sprintf("%dx", t.n)
	}
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		panic(err)
	}

	r := program(t)
	if r.RSS == 0 {
		r.atMemory(readMemory())
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}
