// Package warm fetches URLs through a cache, so that it holds what clients are going to ask for.
//
//	URLs: lines, a sitemap, a folder ─► not done yet? ─► some at a time: GET ─► Outcome ─► Summary
//	                                       ▲                                     │
//	                                       └──────────── Journal ◄───────────────┘
//
// What is fetched is thrown away. What the cache did with it is read from Cache-Status (RFC 9211).
package warm

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Run fetches urls until ctx ends, and returns its error then.
func Run(ctx context.Context, cfg Config, urls []string) (s Summary, err error) {
	start := time.Now()
	f := newFetcher(&cfg)
	todo, done := make(chan string), make(chan Fetched)
	var workers sync.WaitGroup
	workers.Go(func() {
		defer close(todo)
		err = f.feed(ctx, todo, done, urls)
	})
	for range cfg.Concurrency {
		workers.Go(func() {
			for u := range todo {
				done <- f.fetch(ctx, u)
			}
		})
	}
	go func() {
		workers.Wait()
		close(done)
	}()
	cut := false
	for got := range done {
		if got.Outcome == Failed && ctx.Err() != nil {
			cut = true
			continue // it is to be fetched another time
		}
		cfg.take(&s, got)
	}
	s.Took = time.Since(start)
	if cut {
		err = context.Cause(ctx)
	}
	return s, err
}

// take counts, notes and tells what has come of a URL.
func (c *Config) take(s *Summary, f Fetched) {
	s.Add(f)
	if f.Outcome != Failed && f.Outcome != Skipped {
		c.Journal.note(f.URL)
	}
	if c.Tell != nil {
		c.Tell(f)
	}
}

// feed sends what is to be fetched to todo, and what is done already to done.
func (f *fetcher) feed(ctx context.Context, todo chan<- string, done chan<- Fetched,
	urls []string) error {
	for _, u := range urls {
		if f.cfg.Journal.has(u) {
			done <- Fetched{URL: u, Outcome: Skipped}
			continue
		}
		if err := f.limiter.Wait(ctx); err != nil {
			return context.Cause(ctx)
		}
		select {
		case todo <- u:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

func newFetcher(cfg *Config) *fetcher {
	limit := rate.Inf
	if cfg.Rate > 0 {
		limit = rate.Limit(cfg.Rate)
	}
	return &fetcher{cfg: cfg, limiter: rate.NewLimiter(limit, 1)}
}
