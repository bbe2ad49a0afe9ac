package store

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// how long the origin isn't asked for parts of a resource after it has refused one
	refusalFor = 10 * time.Minute
	// how long it isn't asked for parts of any, after it has refused parts of refusalStreak in turn
	refusalAll    = time.Minute
	refusalStreak = 8
	maxRefusals   = 8192
)

// refusals knows which resources the origin has refused to give parts of (RFC 9110 section 14.2
// lets it ignore any Range). That decides which node is asked next, and for what, and nothing else:
// never what is stored, or under which name.
type refusals struct {
	now    func() time.Time
	any    atomic.Bool // something is held, so that hold has to look
	mu     sync.Mutex
	until  map[string]time.Time // by routing key
	streak int                  // how many resources have refused since one has accepted
	all    time.Time
}

// note notes that the origin has refused a part of the resource with that routing key.
func (r *refusals) note(resource string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if old, ok := r.until[resource]; !ok || now.After(old) {
		if r.streak++; r.streak >= refusalStreak {
			r.all = now.Add(refusalAll)
		}
	}
	r.setLocked(resource, now.Add(refusalFor))
}

func (r *refusals) setLocked(resource string, until time.Time) {
	if r.until == nil {
		r.until = map[string]time.Time{}
	}
	for other := range r.until { // whichever goes is learnt again
		if len(r.until) < maxRefusals {
			break
		}
		delete(r.until, other)
	}
	r.until[resource] = until
	r.any.Store(true)
}

// heard notes a refusal that another node reports. It lasts for less than one that this node has
// seen. A repeated report doesn't prolong it, so that nodes can't keep it up among themselves.
func (r *refusals) heard(resource string) {
	if r.hold(resource) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setLocked(resource, r.now().Add(refusalAll))
}

// accepted notes that the origin has given a part of the resource.
func (r *refusals) accepted(resource string) {
	if !r.any.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, resource)
	r.streak, r.all = 0, time.Time{}
	r.any.Store(len(r.until) > 0)
}

// hold reports whether the origin is expected to refuse parts of the resource.
func (r *refusals) hold(resource string) bool {
	if !r.any.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	return now.Before(r.until[resource]) || now.Before(r.all)
}
