// Package chunks holds immutable bytes by key, within a budget. Tiers are asked in order, from the
// fastest to the slowest; then, for what is another node's, its owner. Today there is one tier:
// memory, a groupcache group.
//
//	Put ──► every tier
//	Peek ─► memory ─► slower tiers
//	Get ──► memory ─► slower tiers ─► the owner
//
// Bytes under a key never change, so that tiers and nodes need no word from each other. Whether a
// key's bytes are the right ones is the caller's business: the key must say so.
package chunks

import (
	"context"
	"sync"

	"github.com/scurrycache/scurry/internal/groups"
)

// Tier is one place where chunks are held.
type Tier interface {
	// Peek returns the chunk under key if it is held.
	Peek(key string) (chunk []byte, ok bool)
	// Put offers a chunk, which nobody changes afterwards. It may be held or not.
	Put(key string, chunk []byte)
}

// Owner is the node that owns a chunk.
type Owner interface {
	// Fetch returns the chunk under key if it holds it.
	Fetch(ctx context.Context, key string) ([]byte, error)
}

// Usage is what memory holds, and how often it was looked up.
type Usage = groups.Usage

// Mark is a moment in the life of memory.
type Mark = groups.Mark

// Config says how a Cache works.
type Config struct {
	// Budget is the memory for chunks, and for what Reserve is told of, in bytes.
	Budget int64
	// Largest is the most bytes of a chunk.
	Largest int64
	// Remote reports whether another node owns a key (without the cache's prefix); nil if this node
	// owns all.
	Remote func(key string) bool
}

// Cache holds chunks. Its methods may be called concurrently. A chunk that is got must not be
// changed. Prefix, Reserve, Room, Mark and Usage are those of memory, the first tier.
type Cache struct {
	*groups.Group
	tiers []Tier // the first one is the Group
	most  int64  // bytes of a chunk
}

// New makes an empty cache, which must be closed.
func New(cfg Config) (*Cache, error) {
	memory, err := groups.Acquire(groups.Config{Budget: cfg.Budget, Remote: cfg.Remote})
	if err != nil {
		return nil, err
	}
	return &Cache{memory, []Tier{memory}, cfg.Largest}, nil
}

// Peek returns the chunk under key, which begins with c.Prefix(), if this node holds it.
func (c *Cache) Peek(key string) (chunk []byte, ok bool) {
	for _, t := range c.tiers {
		if chunk, ok = t.Peek(key); ok {
			return chunk, true
		}
	}
	return nil, false
}

// Get is Peek for what another node may hold: if that owns the key, it is asked once for all who
// want the chunk at the same time.
func (c *Cache) Get(ctx context.Context, key string, owner Owner) ([]byte, error) {
	m := misses.Get().(*miss)
	defer misses.Put(m)
	*m = miss{cache: c, key: key, owner: owner}
	return c.Group.Get(ctx, key, m)
}

// miss is what a Get does if memory can't answer it. Nobody has it once memory's Get has returned.
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

// Load is groups.Loader's.
func (m *miss) Load(context.Context) ([]byte, error) {
	for _, t := range m.cache.tiers[1:] {
		if chunk, ok := t.Peek(m.key); ok {
			return chunk, nil
		}
	}
	return nil, groups.ErrNotHeld
}

// Put has chunk held under key, which begins with c.Prefix(), from now on.
func (c *Cache) Put(key string, chunk []byte) {
	for _, t := range c.tiers {
		t.Put(key, chunk)
	}
}

// Serve is Peek for a peer that asks for key, which has no prefix. If busy, this node is
// asking that peer for it at this moment, and neither may wait for the other.
func (c *Cache) Serve(key string) (chunk []byte, ok, busy bool) {
	key = c.Prefix() + key
	if !c.BeginServing(key) {
		return nil, false, true
	}
	defer c.EndServing(key)
	chunk, ok = c.Peek(key)
	return chunk, ok, false
}

// Keeps tells whether memory certainly still holds what it was found to hold since m.
func (c *Cache) Keeps(m Mark) bool { return c.Group.Keeps(m, c.most) }

// Close drops all chunks, once nobody is looking for one.
func (c *Cache) Close() { c.Release() }
