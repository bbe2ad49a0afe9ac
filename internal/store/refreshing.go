package store

import "sync"

// refreshing is what is being validated in the background. It has a lock of its own, so that a hit
// that is served stale meanwhile waits for no change of the table.
type refreshing struct {
	mu        sync.Mutex
	revisions map[uint64]struct{} // guarded by mu
}

func (r *refreshing) count() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.revisions))
}

func (r *refreshing) end(revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.revisions, revision)
}
