package store

import (
	"hash/maphash"
	"iter"
	"strings"
	"sync"
)

// shards is the entries of the table by cache key, spread by path over several locks. So a lookup
// doesn't wait for lookups of other keys, or for changes elsewhere. Shards and entries are changed
// only under the store's mu. A goroutine that holds that needs no shard's lock to read.
type shards struct {
	list [64]shard
	n    int // entries; guarded by the store's mu
}

type shard struct {
	mu      sync.RWMutex
	entries map[string]*entry
}

func (s *shards) of(key string) *shard {
	path, _, _ := strings.Cut(key, "?")
	return &s.list[maphash.String(seed, path)%uint64(len(s.list))]
}

// look returns what is stored under key at this moment. The store's mu need not be held.
func (s *shards) look(key string) (found stored, ok bool) {
	sh := s.of(key)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	e, ok := sh.entries[key]
	if !ok {
		return stored{}, false
	}
	return stored{e, e.variants, e.turn}, true
}

// stored is an entry as it was at some moment. Its variants are never changed.
type stored struct {
	*entry
	variants []*Record
	turn     uint32
}

// getLocked returns key's entry, for a change of it.
func (s *shards) getLocked(key string) (*entry, bool) {
	e, ok := s.of(key).entries[key]
	return e, ok
}

// putLocked makes e the entry of key.
func (s *shards) putLocked(key string, e *entry) {
	s.n++
	sh := s.of(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.entries == nil {
		sh.entries = map[string]*entry{}
	}
	sh.entries[key] = e
}

func (s *shards) removeLocked(key string) {
	s.n--
	sh := s.of(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.entries, key)
}

// changeLocked changes what others see of key's entry.
func (s *shards) changeLocked(key string, change func()) {
	sh := s.of(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	change()
}

// keysLocked yields all keys. Entries may be removed meanwhile.
func (s *shards) keysLocked() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range s.list {
			for key := range s.list[i].entries {
				if !yield(key) {
					return
				}
			}
		}
	}
}
