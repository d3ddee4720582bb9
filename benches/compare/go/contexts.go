package main

import (
	"context"
	"testing"
)

func init() {
	timed("context-tree", contextTree)
}

// contextTree: a chain of t.a contexts below one that is cancelled.
func contextTree(b *testing.B, t task) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			root, cancel := context.WithCancel(context.Background())
			ctx := root
			for range t.a {
				ctx, _ = context.WithCancel(ctx)
			}
			cancel()
		}
	})
}
