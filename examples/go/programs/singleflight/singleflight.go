// Package singleflight has what the programs beside it use of golang.org/x/sync/singleflight,
// which is not in the standard library.
package singleflight

import "sync"

// A Group runs one call at a time for each key.
type Group struct {
	mu    sync.Mutex
	calls map[string]*call
}

type call struct {
	done   chan struct{}
	val    any
	joined int
}

// Do runs fn and returns its result, or waits for the result of the call that runs already. The
// second result tells whether it went to more than one caller.
func (g *Group) Do(key string, fn func() any) (val any, shared bool) {
	g.mu.Lock()
	if c, ok := g.calls[key]; ok {
		c.joined++
		g.mu.Unlock()
		<-c.done
		return c.val, true
	}
	c := &call{done: make(chan struct{})}
	if g.calls == nil {
		g.calls = make(map[string]*call)
	}
	g.calls[key] = c
	g.mu.Unlock()

	c.val = fn()

	g.mu.Lock()
	delete(g.calls, key)
	shared = c.joined > 0
	g.mu.Unlock()
	close(c.done)
	return c.val, shared
}
