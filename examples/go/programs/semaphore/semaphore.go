// Package semaphore has what the programs beside it use of golang.org/x/sync/semaphore, which is
// not in the standard library.
package semaphore

import (
	"context"
	"sync"
)

// Weighted is a number of tokens that are taken and given back.
type Weighted struct {
	mu      sync.Mutex
	free    int64
	waiters []waiter
}

type waiter struct {
	n     int64
	ready chan struct{}
}

// NewWeighted returns a semaphore with n tokens.
func NewWeighted(n int64) *Weighted {
	return &Weighted{free: n}
}

// Acquire takes n tokens, in order of arrival, unless ctx is done before.
func (s *Weighted) Acquire(ctx context.Context, n int64) error {
	s.mu.Lock()
	if ctx.Err() == nil && s.free >= n && len(s.waiters) == 0 {
		s.free -= n
		s.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	s.waiters = append(s.waiters, waiter{n, ready})
	s.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, w := range s.waiters {
			if w.ready == ready {
				s.waiters = append(s.waiters[:i], s.waiters[i+1:]...)
				s.serve()
				return ctx.Err()
			}
		}
		// Served meanwhile.
		s.free += n
		s.serve()
		return ctx.Err()
	}
}

// Release gives n tokens back.
func (s *Weighted) Release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += n
	s.serve()
}

func (s *Weighted) serve() {
	for len(s.waiters) > 0 && s.waiters[0].n <= s.free {
		s.free -= s.waiters[0].n
		close(s.waiters[0].ready)
		s.waiters = s.waiters[1:]
	}
}
