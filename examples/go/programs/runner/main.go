// Runs tasks one after the other until all are done, the time is over, or the user presses Ctrl-C: one runner for
// each.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"
)

type Runner struct {
	interrupt chan os.Signal
	complete  chan error
	timeout   <-chan time.Time
	tasks     []func(int)
}

var ErrTimeout = errors.New("received timeout")
var ErrInterrupt = errors.New("received interrupt")

func New(d time.Duration) *Runner {
	return &Runner{
		interrupt: make(chan os.Signal, 1),
		complete:  make(chan error),
		timeout:   time.After(d),
	}
}

func (r *Runner) Add(tasks ...func(int)) {
	r.tasks = append(r.tasks, tasks...)
}

func (r *Runner) Start() error {
	signal.Notify(r.interrupt, os.Interrupt)
	go func() {
		r.complete <- r.run()
	}()
	select {
	case err := <-r.complete:
		return err
	case <-r.timeout:
		return ErrTimeout
	}
}

func (r *Runner) run() error {
	for id, task := range r.tasks {
		if r.gotInterrupt() {
			return ErrInterrupt
		}
		task(id)
	}
	return nil
}

func (r *Runner) gotInterrupt() bool {
	select {
	case <-r.interrupt:
		signal.Stop(r.interrupt)
		return true
	default:
		return false
	}
}

func report(err error) {
	if err != nil {
		fmt.Println(err)
	} else {
		fmt.Println("completed")
	}
}

func main() {
	r := New(time.Minute)
	for range 3 {
		r.Add(func(id int) { fmt.Println("task", id) })
	}
	report(r.Start())

	r = New(20 * time.Millisecond)
	r.Add(func(int) { time.Sleep(time.Hour) })
	report(r.Start())

	r = New(time.Minute)
	r.Add(func(int) { fmt.Println("press Ctrl-C") })
	for range 10_000 {
		r.Add(func(int) { time.Sleep(10 * time.Millisecond) })
	}
	report(r.Start())
}
