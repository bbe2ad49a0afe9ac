package store

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// how long a resource isn't asked for parts that has refused one
	refusalFor = 10 * time.Minute
	// how long no resource is, after refusalStreak of them have refused theirs in turn
	refusalAll    = time.Minute
	refusalStreak = 8
	maxRefusals   = 8192
)

// refusals is what has been learnt of the origin's refusing requests for parts (RFC 9110 section
// 14.2 lets it ignore any Range). It decides who is asked next and how, and nothing else: never
// what is stored, nor under which name.
type refusals struct {
	now    func() time.Time
	any    atomic.Bool // something is held, so that hold has to look
	mu     sync.Mutex
	until  map[string]time.Time // by routing key
	streak int                  // how many resources have refused since one has accepted
	all    time.Time
}

// note notes that the resource with that routing key has refused.
func (r *refusals) note(place string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if old, ok := r.until[place]; !ok || now.After(old) {
		if r.streak++; r.streak >= refusalStreak {
			r.all = now.Add(refusalAll)
		}
	}
	r.setLocked(place, now.Add(refusalFor))
}

func (r *refusals) setLocked(place string, until time.Time) {
	if r.until == nil {
		r.until = map[string]time.Time{}
	}
	for other := range r.until { // any makes room: it is learnt again
		if len(r.until) < maxRefusals {
			break
		}
		delete(r.until, other)
	}
	r.until[place] = until
	r.any.Store(true)
}

// heard notes what another node says. That is no refusal of its own: it lasts for less, and not
// longer for being repeated, so that nodes don't tell each other the same for ever.
func (r *refusals) heard(place string) {
	if r.hold(place) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setLocked(place, r.now().Add(refusalAll))
}

// accepted notes that the resource has given a part.
func (r *refusals) accepted(place string) {
	if !r.any.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, place)
	r.streak, r.all = 0, time.Time{}
	r.any.Store(len(r.until) > 0)
}

// hold reports whether the resource is taken to refuse.
func (r *refusals) hold(place string) bool {
	if !r.any.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	return now.Before(r.until[place]) || now.Before(r.all)
}
