// Crawls a site that exists only in this program, a few pages at a time, until all pages are
// known, the time is over, or the user presses Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

const slots = 4 // pages that are fetched at the same time

type page struct {
	delay time.Duration
	links []string
}

var site = map[string]page{
	"/":        {5 * time.Millisecond, []string{"/docs", "/blog", "/about"}},
	"/docs":    {10 * time.Millisecond, []string{"/", "/docs/go", "/docs/rs"}},
	"/docs/go": {5 * time.Millisecond, []string{"/docs"}},
	"/docs/rs": {5 * time.Millisecond, []string{"/docs", "/gone"}},
	"/blog":    {15 * time.Millisecond, []string{"/", "/blog/1", "/blog/2"}},
	"/blog/1":  {5 * time.Millisecond, []string{"/blog"}},
	"/blog/2":  {5 * time.Millisecond, []string{"/blog", "/archive"}},
	"/archive": {5 * time.Second, nil},
	"/about":   {5 * time.Millisecond, []string{"/"}},
}

var errNotFound = errors.New("not found")

func fetch(ctx context.Context, url string) (page, error) {
	p, ok := site[url]
	if !ok {
		return page{}, errNotFound
	}
	select {
	case <-time.After(p.delay):
		return p, nil
	case <-ctx.Done():
		return page{}, ctx.Err()
	}
}

type result struct {
	url   string
	links int
	err   error
}

type crawler struct {
	slots   chan struct{}
	results chan result
	wg      sync.WaitGroup
	mu      sync.Mutex
	seen    map[string]bool
	fetched atomic.Int64
}

// first tells whether url has not been seen before.
func (c *crawler) first(url string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[url] {
		return false
	}
	c.seen[url] = true
	return true
}

func (c *crawler) start(ctx context.Context, url string) {
	if c.first(url) {
		c.wg.Add(1)
		go c.visit(ctx, url)
	}
}

func (c *crawler) visit(ctx context.Context, url string) {
	defer c.wg.Done()
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		c.results <- result{url, 0, ctx.Err()}
		return
	}
	p, err := fetch(ctx, url)
	<-c.slots
	c.fetched.Add(1)
	c.results <- result{url, len(p.links), err}
	for _, link := range p.links {
		c.start(ctx, link)
	}
}

func (c *crawler) progress(done chan struct{}) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			fmt.Fprintln(os.Stderr, c.fetched.Load(), "pages")
		case <-done:
			return
		}
	}
}

func crawl(ctx context.Context, root string) []result {
	c := &crawler{
		slots:   make(chan struct{}, slots),
		results: make(chan result),
		seen:    make(map[string]bool),
	}
	done := make(chan struct{})
	go c.progress(done)
	c.start(ctx, root)
	go func() {
		c.wg.Wait()
		close(c.results)
	}()
	var all []result
	for r := range c.results {
		all = append(all, r)
	}
	close(done)
	sort.Slice(all, func(i, j int) bool { return all[i].url < all[j].url })
	return all
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()

	results := crawl(ctx, "/")
	failed := 0
	for _, r := range results {
		switch {
		case r.err == nil:
			fmt.Printf("%-10s %d links\n", r.url, r.links)
		case errors.Is(r.err, context.DeadlineExceeded):
			fmt.Printf("%-10s too slow\n", r.url)
			failed++
		default:
			fmt.Printf("%-10s %v\n", r.url, r.err)
			failed++
		}
	}
	fmt.Printf("%d pages, %d failed\n", len(results), failed)
}
