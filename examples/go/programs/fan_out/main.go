// A question goes to several backends at the same time; the answers come back together, or the
// first failure ends them all.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"programs/errgroup"
)

var errUnavailable = errors.New("unavailable")

type search func(ctx context.Context, query string) (string, error)

// backend answers after a while, unless nobody waits any more.
func backend(kind string, takes time.Duration) search {
	return func(ctx context.Context, query string) (string, error) {
		select {
		case <-time.After(takes):
			return fmt.Sprintf("%s result for %q", kind, query), nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func broken(ctx context.Context, query string) (string, error) {
	return "", fmt.Errorf("news: %w", errUnavailable)
}

func ask(ctx context.Context, query string, backends []search) ([]string, error) {
	g, ctx := errgroup.WithContext(ctx)
	results := make([]string, len(backends))
	for i, search := range backends {
		g.Go(func() error {
			result, err := search(ctx, query)
			if err == nil {
				results[i] = result
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return results, nil
}

func report(results []string, err error) {
	if err != nil {
		fmt.Printf("failed: %v\n", err)
		return
	}
	for _, result := range results {
		fmt.Println(result)
	}
}

func main() {
	web := backend("web", 15*time.Millisecond)
	image := backend("image", 10*time.Millisecond)
	video := backend("video", 5*time.Millisecond)
	slow := backend("archive", time.Hour)

	ctx := context.Background()
	report(ask(ctx, "gophers", []search{web, image, video}))

	// The failure of one ends the wait for the slow one.
	report(ask(ctx, "gophers", []search{web, slow, broken}))

	// So does the time limit.
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	report(ask(ctx, "gophers", []search{slow, slow}))
}
