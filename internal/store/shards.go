package store

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// shards is the entries of the table by cache key, spread by path over several locks. So a lookup
// doesn't wait for lookups of other keys, or for changes elsewhere. They are changed only under the
// store's mu.
type shards struct {
	list [64]shard
	n    int // keys; guarded by the store's mu
}

type shard struct {
	mu    sync.RWMutex
	byKey map[string]*entry
	_     [32]byte // so that no two locks, which are written by each lookup, share a cache line
}

// stored is an entry as it is at some moment. Its variants are never changed. The zero stored is
// nothing.
type stored struct {
	*entry
	variants  []*Record
	ringEpoch uint32
}

func (s *shards) of(key string) *shard {
	path, _, _ := strings.Cut(key, "?")
	return &s.list[maphash.String(seed, path)%uint64(len(s.list))]
}

// look returns what is stored under key at this moment. The store's mu need not be held.
func (s *shards) look(key string) stored {
	sh := s.of(key)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if e := sh.byKey[key]; e != nil {
		return stored{e, e.variants, e.ringEpoch}
	}
	return stored{}
}

// shardLocked makes now what is found under key: nothing, if it has no variants.
func (s *shards) shardLocked(key string, now stored) {
	sh := s.of(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.n -= len(sh.byKey)
	if sh.byKey == nil {
		sh.byKey = map[string]*entry{}
	}
	now.entry.variants, now.entry.ringEpoch = now.variants, now.ringEpoch
	if sh.byKey[key] = now.entry; len(now.variants) == 0 {
		delete(sh.byKey, key)
	}
	s.n += len(sh.byKey)
}

// visitRun is how many entries of a shard are visited while its lock is held: some microseconds.
const visitRun = 64

// visit calls f for all entries, but perhaps for some that come or go meanwhile. The store's mu
// need not be held. f must be quick.
func (s *shards) visit(f func(stored)) {
	for i := range s.list {
		s.list[i].visit(f)
	}
}

func (sh *shard) visit(f func(stored)) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	n := 0
	for _, e := range sh.byKey { // a range allows for changes
		f(stored{e, e.variants, e.ringEpoch})
		if n++; n%visitRun == 0 {
			sh.mu.RUnlock()
			sh.mu.RLock()
		}
	}
}

// keysWhereLocked returns the keys that is reports.
func (s *shards) keysWhereLocked(is func(key string) bool) (keys []string) {
	for i := range s.list {
		for key := range s.list[i].byKey {
			if is(key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// countWhere returns how many of key's records is reports.
func (s *shards) countWhere(key string, is func(*Record) bool) (n int) {
	for _, rec := range s.look(key).variants {
		if is(rec) {
			n++
		}
	}
	return n
}

// variantWhere returns the first of key's records that is reports, or nil.
func (s *shards) variantWhere(key string, is func(*Record) bool) *Record {
	variants := s.look(key).variants
	if i := slices.IndexFunc(variants, is); i >= 0 {
		return variants[i]
	}
	return nil
}

// seed is the seed of all hashes of names and fields in this process.
var seed = maphash.MakeSeed()

// counters count how often something has happened to each of many names. Names whose hashes collide
// share a counter. So an unchanged counter proves that nothing has happened; a changed one doesn't
// prove that something has.
type counters [1024]atomic.Int64

func (c *counters) at(name string) *atomic.Int64 {
	return &c[maphash.String(seed, name)%uint64(len(c))]
}
