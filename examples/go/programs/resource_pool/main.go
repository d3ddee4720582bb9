// Connections that goroutines share: taken out of a pool, put back, made when the pool has none.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"
)

type Pool struct {
	m         sync.Mutex
	resources chan io.Closer
	factory   func() (io.Closer, error)
	closed    bool
}

var ErrPoolClosed = errors.New("Pool has been closed.")

func New(fn func() (io.Closer, error), size uint) (*Pool, error) {
	if size <= 0 {
		return nil, errors.New("Size value too small.")
	}
	return &Pool{
		factory:   fn,
		resources: make(chan io.Closer, size),
	}, nil
}

func (p *Pool) Acquire() (io.Closer, error) {
	select {
	case r, ok := <-p.resources:
		log.Println("Acquire:", "Shared Resource")
		if !ok {
			return nil, ErrPoolClosed
		}
		return r, nil
	default:
		log.Println("Acquire:", "New Resource")
		return p.factory()
	}
}

func (p *Pool) Release(r io.Closer) {
	p.m.Lock()
	defer p.m.Unlock()
	if p.closed {
		r.Close()
		return
	}
	select {
	case p.resources <- r:
		log.Println("Release:", "In Queue")
	default:
		log.Println("Release:", "Closing")
		r.Close()
	}
}

func (p *Pool) Close() {
	p.m.Lock()
	defer p.m.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	close(p.resources)
	for r := range p.resources {
		r.Close()
	}
}

var made, open atomic.Int32

type connection struct {
	id int32
}

func connect() (io.Closer, error) {
	open.Add(1)
	return &connection{made.Add(1)}, nil
}

func (c *connection) Close() error {
	open.Add(-1)
	return nil
}

func acquire(p *Pool) *connection {
	r, err := p.Acquire()
	if err != nil {
		log.Fatal(err)
	}
	return r.(*connection)
}

func main() {
	_, err := New(connect, 0)
	fmt.Println(err)

	p, _ := New(connect, 2)
	a, b, c := acquire(p), acquire(p), acquire(p)
	fmt.Println("connections", a.id, b.id, c.id, "are new;", open.Load(), "open")
	p.Release(a)
	p.Release(b)
	p.Release(c)
	fmt.Println("room for two;", open.Load(), "open")
	a = acquire(p)
	fmt.Println("connection", a.id, "again")

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := acquire(p)
			defer p.Release(c)
			time.Sleep(time.Millisecond) // a query
		})
	}
	wg.Wait()
	p.Release(a)
	fmt.Println("8 queries;", open.Load(), "open")

	a = acquire(p)
	p.Close()
	p.Release(a)
	_, err = p.Acquire()
	fmt.Println(err, open.Load(), "open")
}
