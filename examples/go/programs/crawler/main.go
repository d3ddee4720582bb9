// Crawls pages that exist only in this program. Many pages share a host, whose address is looked
// up once, however many ask at the same time.
package main

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"programs/singleflight"
)

var pages = map[string][]string{
	"golang.org/":         {"golang.org/doc", "golang.org/pkg", "go.dev/blog"},
	"golang.org/doc":      {"golang.org/", "golang.org/ref/spec"},
	"golang.org/pkg":      {"golang.org/", "golang.org/pkg/fmt", "golang.org/pkg/os"},
	"golang.org/pkg/fmt":  {"golang.org/pkg"},
	"golang.org/pkg/os":   {"golang.org/pkg", "go.dev/gone"},
	"golang.org/ref/spec": {},
	"go.dev/blog":         {"go.dev/blog/pipelines", "go.dev/blog/context"},
	"go.dev/blog/context": {"golang.org/", "go.dev/blog"},
}

// A resolver remembers addresses.
type resolver struct {
	flights singleflight.Group
	known   sync.Map
	lookups atomic.Int64
}

func (r *resolver) address(host string) string {
	if address, ok := r.known.Load(host); ok {
		return address.(string)
	}
	address, _ := r.flights.Do(host, func() any {
		// A flight may have landed since the look above.
		if address, ok := r.known.Load(host); ok {
			return address
		}
		r.lookups.Add(1)
		time.Sleep(5 * time.Millisecond)
		address := fmt.Sprintf("10.0.0.%d", len(host))
		r.known.Store(host, address)
		return address
	})
	return address.(string)
}

type crawler struct {
	resolver resolver
	wg       sync.WaitGroup
	mu       sync.Mutex
	found    map[string]string
}

// first tells whether url has not been seen before.
func (c *crawler) first(url string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.found[url]; ok {
		return false
	}
	c.found[url] = ""
	return true
}

func (c *crawler) crawl(url string) {
	if !c.first(url) {
		return
	}
	c.wg.Go(func() {
		host, _, _ := strings.Cut(url, "/")
		address := c.resolver.address(host)
		links, ok := pages[url]
		for _, link := range links {
			c.crawl(link)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if ok {
			c.found[url] = fmt.Sprintf("%d links, from %s", len(links), address)
		} else {
			c.found[url] = "not found at " + address
		}
	})
}

func main() {
	c := &crawler{found: make(map[string]string)}
	c.crawl("golang.org/")
	c.wg.Wait()

	urls := make([]string, 0, len(c.found))
	for url := range c.found {
		urls = append(urls, url)
	}
	sort.Strings(urls)
	for _, url := range urls {
		fmt.Printf("%-21s %s\n", url, c.found[url])
	}
	fmt.Printf("%d pages, %d lookups\n", len(urls), c.resolver.lookups.Load())
}
