package chunks

import (
	"context"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/groups"
)

const (
	trialShare   = 10      // one part in so many of the budget is probation
	trialChunks  = 32      // or more: so many of the largest chunks, for readers that fall behind
	trialMost    = 4       // but no more than one part in so many
	trialLeast   = 8       // with room for fewer of the largest chunks there is no probation
	slackShare   = 32      // main counts as full when it has less than one part in so many left
	bytesPerHint = 512     // of the budget; few chunks are smaller
	mostHints    = 1 << 30 // enough for 512 GiB
)

// probation is how many bytes of the budget are probation's.
func probation(cfg Config) int64 {
	n := max(cfg.Budget/trialShare, min(trialChunks*cfg.Largest, cfg.Budget/trialMost))
	if n < trialLeast*cfg.Largest {
		return 0
	}
	return n
}

// admission decides which chunks main holds. The zero admission has main hold all.
type admission struct {
	trial       *groups.Group // probation; nil if there is none
	lendable    int64         // of main's memory, that probation may use
	slack       int64         // of main, in bytes
	door        doorkeeper
	unversioned func(key string) (before, after string)

	// Where chunks probably are, so that a hit is one look: a bit by the hash of the key, set if on
	// probation. To look in a group that doesn't hold a chunk costs three times a hit. Chunks that
	// share a bit, or have been evicted, make some guesses wrong. A wrong guess about a chunk in
	// main is corrected when it is found there.
	hints []atomic.Uint32
}

var seed = maphash.MakeSeed()

func (a *admission) init(cfg Config, trial int64, main *groups.Group) (err error) {
	a.lendable = min(lendShare*trial, mostLent)
	a.trial, err = groups.Acquire(groups.Config{Budget: trial + a.lendable, Prefix: main.Prefix()})
	a.unversioned = cfg.Unversioned
	a.door.memory = cfg.Budget - trial
	a.slack = a.door.memory / slackShare
	hints := min(cfg.Budget/bytesPerHint, mostHints)
	a.hints = make([]atomic.Uint32, 1<<bits.Len64(uint64(hints/32)))
	return err
}

// admits reports whether main is to hold a chunk that has come.
func (c *Cache) admits(key string, size int) bool {
	if !c.Full() {
		return true // else large files would be fetched twice
	}
	before, after := key[len(c.Prefix()):], ""
	if c.unversioned != nil {
		before, after = c.unversioned(before)
	}
	name := maphash.String(seed, before) + 3*maphash.String(seed, after)
	return c.door.knows(name, int64(len(key)+size))
}

// guess reports whether the chunk under key is probably on probation.
func (a *admission) guess(key string) bool {
	if a.trial == nil {
		return false
	}
	word, bit := a.hint(key)
	return word.Load()&bit != 0
}

// note notes that the chunk under key is on probation, or in main.
func (a *admission) note(key string, onTrial bool) {
	if a.trial == nil || a.guess(key) == onTrial {
		return
	}
	if word, bit := a.hint(key); onTrial {
		word.Or(bit)
	} else {
		word.And(^bit)
	}
}

func (a *admission) hint(key string) (word *atomic.Uint32, bit uint32) {
	h := maphash.String(seed, key)
	return &a.hints[h>>5&uint64(len(a.hints)-1)], 1 << (h & 31)
}

// Trial is Turnover of probation. It is zero if there is none.
func (a *admission) Trial() (came, room int64) {
	if a.trial == nil {
		return 0, 0
	}
	return a.trial.Came(), a.trial.Room()
}

// Full reports whether what comes for the first time goes to probation, as main is full.
func (c *Cache) Full() bool { return c.trial != nil && c.Group.Full(c.slack) }

// Room is how many bytes chunks may take, beside what is reserved.
func (c *Cache) Room() int64 {
	_, main := c.Turnover()
	_, trial := c.Trial()
	return main + trial
}

// Parts are what main and probation hold. What both hold counts twice.
func (c *Cache) Parts() (main, trial Usage) {
	if c.trial != nil {
		trial = c.trial.Usage()
	}
	return c.Group.Usage(), trial
}

// Usage is both of Parts together.
func (c *Cache) Usage() Usage {
	u, t := c.Parts()
	u.Items += t.Items
	u.Bytes += t.Bytes
	u.Gets += t.Gets
	u.Evictions += t.Evictions
	return u
}

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
