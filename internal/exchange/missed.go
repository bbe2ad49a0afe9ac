package exchange

import (
	"slices"
	"sync"

	"github.com/scurrycache/scurry/internal/peer"
)

// missedInvalidations is what this node has yet to tell others: that they have missed an
// invalidation. The zero value is ready for use.
type missedInvalidations struct {
	mu       sync.Mutex
	any      bool            // something has been invalidated since this node began
	known    map[string]bool // the nodes that there has been contact with
	missed   map[string]int  // of how many invalidations a node couldn't be told, by its name
	retrying map[string]bool // nodes that are tried again and again
	closed   bool            // nothing is tried again any more
}

// maxKnown bounds the nodes that are remembered. One that is forgotten is told to validate what it
// has when it is met again.
const maxKnown = 1000

func set[T any](m *map[string]T, name string, value T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[name] = value
}

func (o *missedInvalidations) queueLocked(name string) { set(&o.missed, name, o.missed[name]+1) }

// queue notes that the node with that name couldn't be told, and has retry called if it isn't being
// tried again already.
func (o *missedInvalidations) queue(name string, retry func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queueLocked(name)
	if !o.retrying[name] && !o.closed {
		set(&o.retrying, name, true)
		retry()
	}
}

// queueForAbsent notes that those who are no nodes at present, but have been and may have kept what
// they had, miss an invalidation.
func (o *missedInvalidations) queueForAbsent(peers []*peer.Peer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.any = true
	for name := range o.known {
		if !slices.ContainsFunc(peers, func(p *peer.Peer) bool { return p.Name() == name }) {
			o.queueLocked(name)
		}
	}
}

// meet notes contact with the node with that name, and returns how many invalidations it has
// missed.
func (o *missedInvalidations) meet(name string) (missed int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.known[name] {
		if len(o.known) >= maxKnown {
			clear(o.known)
			clear(o.missed) // they are told when they are met again
		}
		if set(&o.known, name, true); o.any && o.missed[name] == 0 {
			o.queueLocked(name) // it may have had what was invalidated before it was met
		}
	}
	return o.missed[name]
}

// delivered notes that a node that had missed so many has been told.
func (o *missedInvalidations) delivered(name string, missed int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.missed[name] == missed {
		delete(o.missed, name)
	}
}

// over reports whether a node need be tried no more: it has been told, or it is no member and will
// be told when it is met.
func (o *missedInvalidations) over(name string, member bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if member && o.missed[name] > 0 {
		return false
	}
	delete(o.retrying, name)
	return true
}

func (o *missedInvalidations) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}
