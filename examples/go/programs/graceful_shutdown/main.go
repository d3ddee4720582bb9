// A server that ends on SIGTERM: takes no more requests, finishes those that it has, and does not
// wait for ever.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const patience = 30 * time.Second

type server struct {
	requests chan int
	inFlight sync.WaitGroup
}

// handle works on one request until after the signal.
func (s *server) handle(ctx context.Context, id int, finished chan<- int) {
	defer s.inFlight.Done()
	<-ctx.Done()
	time.Sleep(time.Duration(id) * time.Millisecond)
	finished <- id
}

// serve takes requests until the context is done.
func (s *server) serve(ctx context.Context, finished chan<- int) {
	for {
		select {
		case id := <-s.requests:
			s.inFlight.Add(1)
			go s.handle(ctx, id, finished)
		case <-ctx.Done():
			return
		}
	}
}

// drain waits for the requests in flight, for a while.
func (s *server) drain() error {
	drained := make(chan struct{})
	go func() {
		s.inFlight.Wait()
		close(drained)
	}()
	select {
	case <-drained:
		return nil
	case <-time.After(patience):
		return context.DeadlineExceeded
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	s := &server{requests: make(chan int)}
	finished := make(chan int, 3)
	served := make(chan struct{})
	go func() {
		s.serve(ctx, finished)
		close(served)
	}()
	for id := 1; id <= 3; id++ {
		s.requests <- id
	}
	fmt.Println("serving 3 requests")

	<-ctx.Done()
	fmt.Println(context.Cause(ctx))
	<-served
	fmt.Println("no more requests")
	if err := s.drain(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	close(finished)
	sum := 0
	for id := range finished {
		sum += id
	}
	fmt.Printf("all finished, sum of their numbers: %d\n", sum)
}
