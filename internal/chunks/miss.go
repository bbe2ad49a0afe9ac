package chunks

import (
	"context"
	"sync"

	"github.com/scurrycache/scurry/internal/groups"
)

// miss is what a Get does if main can't answer it. Nobody has it once main's Get has returned.
type miss struct {
	cache *Cache
	key   string
	owner Owner
}

var misses = sync.Pool{New: func() any { return new(miss) }}

// Fetch is groups.Loader's.
func (m *miss) Fetch(ctx context.Context) ([]byte, error) {
	if chunk, err := m.Load(ctx); err == nil {
		return chunk, nil
	}
	return m.owner.Fetch(ctx, m.key)
}

// Load is groups.Loader's. What it finds on probation is in main from now on.
func (m *miss) Load(context.Context) ([]byte, error) {
	if t := m.cache.trial; t != nil {
		if chunk, ok := t.Peek(m.key); ok {
			return chunk, nil
		}
	}
	if chunk, ok := m.cache.peekSlower(m.key); ok {
		return chunk, nil
	}
	return nil, groups.ErrNotHeld
}
