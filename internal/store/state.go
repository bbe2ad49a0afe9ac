package store

import (
	"context"
	"sync"

	"github.com/scurrycache/scurry/internal/chunks"
	"github.com/scurrycache/scurry/internal/groups"
	"github.com/scurrycache/scurry/internal/workers"
)

// Store holds stored responses. Its methods may be called concurrently.
type Store struct {
	cfg       Config
	records   *groups.Group
	chunks    *chunks.Cache
	rooms     rooms
	audiences audiences
	workers   *workers.Pool // that flights run on

	lifetime

	bodies
	reserving  sync.Mutex // of chunks' memory
	refreshing refreshing

	mu sync.Mutex // guards table
	table
}

// lifetime is that of a store, and of what it does in the background.
type lifetime struct {
	base   context.Context // ends with the store
	cancel context.CancelFunc
	work   sync.WaitGroup // flights, fills, and messages

	ending sync.Mutex // nothing begins while base ends
}

// begin counts in a flight, a fill or a message, which must end with work.Done. It fails once the
// store is closed.
func (l *lifetime) begin() bool {
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.base.Err() != nil {
		return false
	}
	l.work.Add(1)
	return true
}

// end ends all that has begun, and waits for it. It reports whether this is its first call.
func (l *lifetime) end() bool {
	l.ending.Lock()
	first := l.base.Err() == nil
	l.cancel()
	l.ending.Unlock()
	l.work.Wait()
	return first
}
