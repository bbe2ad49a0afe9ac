// Package chunks holds immutable bytes by key, within a budget. Tiers are asked in order, from the
// fastest to the slowest; then, for what is another node's, its owner. Today there is one tier:
// memory, two groupcache groups.
//
//	Put ──► memory: main or probation; every slower tier
//	Peek ─► memory ─► slower tiers
//	Use ──► memory ─► slower tiers; from probation to main
//	Get ──► memory ─► slower tiers ─► the owner
//
// groupcache evicts what has been used longest ago. One client that reads everything once would
// push out all that others ask for all the time. So memory admits: while main has room, all chunks
// go there. From then on, what hasn't come before goes to probation, a tenth of the budget, where
// new chunks push out only each other. A chunk goes to main if it is used while it is on probation,
// or if it comes again within a time in which as many other chunks have come as main holds (the
// doorkeeper knows). What others have reserved and given up is probation's, until what main is to
// hold needs it. The groups have the same keys, and share the bytes of a chunk that both hold.
//
// Bytes under a key never change, so that tiers and nodes need no word from each other. Whether a
// key's bytes are the right ones is the caller's business: the key must say so.
package chunks

import (
	"context"

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

// Mark is a moment in the life of main.
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
	// Unversioned returns what a key has before and after its version (without the cache's prefix):
	// a chunk that comes again may have another. If nil, all of the key is before.
	Unversioned func(key string) (before, after string)
}

// Cache holds chunks. Its methods may be called concurrently. A chunk that is got must not be
// changed. Prefix and Mark are those of main.
type Cache struct {
	*groups.Group // main
	admission
	lending
	slower []Tier
	most   int64 // bytes of a chunk
}

// New makes an empty cache, which must be closed.
func New(cfg Config) (*Cache, error) {
	trial := probation(cfg)
	main, err := groups.Acquire(groups.Config{Budget: cfg.Budget - trial, Remote: cfg.Remote})
	if err != nil {
		return nil, err
	}
	c := &Cache{Group: main, most: cfg.Largest}
	if trial > 0 {
		if err := c.admission.init(cfg, trial, main); err != nil {
			main.Release()
			return nil, err
		}
	}
	c.Reserve(0)
	return c, nil
}

// Peek returns the chunk under key, which begins with c.Prefix(), if this node holds it. It says
// nothing about whether the chunk is wanted.
func (c *Cache) Peek(key string) (chunk []byte, ok bool) {
	chunk, _, ok = c.find(key)
	return chunk, ok
}

// Use is Peek for a request that isn't the one that the chunk has come for: the chunk is worth
// keeping.
func (c *Cache) Use(key string) (chunk []byte, ok bool) {
	chunk, onTrial, ok := c.find(key)
	if ok && onTrial {
		c.promote(key, chunk)
	}
	return chunk, ok
}

// find looks in main and on probation, first where the chunk probably is, and then in slower tiers.
func (c *Cache) find(key string) (chunk []byte, onTrial, ok bool) {
	tried := c.guess(key)
	if tried {
		if chunk, ok = c.trial.Peek(key); ok {
			return chunk, true, true
		}
	}
	if chunk, ok = c.Group.Peek(key); ok {
		if tried {
			c.note(key, false)
		}
		return chunk, false, true
	}
	if c.trial != nil && !tried {
		if chunk, ok = c.trial.Peek(key); ok {
			return chunk, true, true
		}
	}
	chunk, ok = c.peekSlower(key)
	return chunk, false, ok
}

func (c *Cache) peekSlower(key string) (chunk []byte, ok bool) {
	for _, t := range c.slower {
		if chunk, ok = t.Peek(key); ok {
			return chunk, true
		}
	}
	return nil, false
}

// Get is Use for what another node may hold: if that owns the key, it is asked once for all who
// want the chunk at the same time.
func (c *Cache) Get(ctx context.Context, key string, owner Owner) ([]byte, error) {
	if c.guess(key) {
		if chunk, ok := c.Use(key); ok {
			return chunk, nil
		}
	}
	m := misses.Get().(*miss)
	defer misses.Put(m)
	*m = miss{cache: c, key: key, owner: owner}
	return c.Group.Get(ctx, key, m)
}

// Put has chunk held under key, which begins with c.Prefix(), from now on: in main, if it is
// wanted by more than one request. It reports whether main holds it.
func (c *Cache) Put(key string, chunk []byte, wanted bool) (kept bool) {
	if kept = wanted || c.admits(key, len(chunk)); kept {
		c.promote(key, chunk)
	} else {
		c.trial.Put(key, chunk)
		c.note(key, true)
	}
	for _, t := range c.slower {
		t.Put(key, chunk)
	}
	return kept
}

// promote has main hold a chunk.
func (c *Cache) promote(key string, chunk []byte) {
	c.reclaim(int64(len(key) + len(chunk)))
	c.Group.Put(key, chunk)
	c.note(key, false)
}

// Serve is Use for a peer that asks for key, which has no prefix. If busy, this node is asking that
// peer for it at this moment, and neither may wait for the other.
func (c *Cache) Serve(key string) (chunk []byte, ok, busy bool) {
	key = c.Prefix() + key
	if !c.BeginServing(key) {
		return nil, false, true
	}
	defer c.EndServing(key)
	chunk, ok = c.Use(key)
	return chunk, ok, false
}

// Keeps tells whether main certainly still holds what it was found to hold since m. Use and Get
// find in main what they return.
func (c *Cache) Keeps(m Mark) bool { return c.Group.Keeps(m, c.most) }

// Turnover is how many bytes of chunks main has been given so far, and how many there is room for
// in it.
func (c *Cache) Turnover() (came, room int64) { return c.Came(), c.Group.Room() }

// Close drops all chunks, once nobody is looking for one.
func (c *Cache) Close() {
	if c.trial != nil {
		c.trial.Release()
	}
	c.Release()
}
