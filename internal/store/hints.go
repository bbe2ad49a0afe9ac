package store

import (
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// missedInvalidations is what this node has yet to tell others: that they have missed an
// invalidation. The zero value is ready for use.
type missedInvalidations struct {
	any      bool            // something has been invalidated since this node began
	known    map[string]bool // the nodes that there has been contact with
	missed   map[string]int  // of how many invalidations a node couldn't be told, by its name
	retrying map[string]bool // nodes that are tried again and again
}

// maxKnown bounds the nodes that are remembered. One that is forgotten is told to validate what it
// has when it is met again.
const maxKnown = 1000

// queueHint notes that p couldn't be told. It is tried again until it can be, if it doesn't lose
// contact; and when it has, as soon as contact returns.
func (s *Store) queueHint(p *peer.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed.queueHint(p.Name())
	if s.missed.retrying[p.Name()] || !s.beginLocked() {
		return
	}
	set(&s.missed.retrying, p.Name(), true)
	go s.retryHints(p)
}

func (o *missedInvalidations) queueHint(name string) { set(&o.missed, name, o.missed[name]+1) }

func set[T any](m *map[string]T, name string, value T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[name] = value
}

// queueHintsForAbsent notes that those who are no nodes at present, but have been and may have kept
// what they had, miss an invalidation.
func (s *Store) queueHintsForAbsent(peers []*peer.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed.any = true
	for name := range s.missed.known {
		if !slices.ContainsFunc(peers, func(p *peer.Peer) bool { return p.Name() == name }) {
			s.missed.queueHint(name)
		}
	}
}

// Pauses between tries to tell a node.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// retryHints tells p to validate all that it has, once it can be told, unless it is no node any
// more.
func (s *Store) retryHints(p *peer.Peer) {
	defer s.work.Done()
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		select {
		case <-time.After(pause):
		case <-s.base.Done():
			return
		}
		message, answered := s.Hint(p.Name())
		if message != nil && s.notify(p, message) == nil {
			answered()
		}
		if s.hintDelivered(p) {
			return
		}
	}
}

// hintDelivered reports whether p need be reminded no more.
func (s *Store) hintDelivered(p *peer.Peer) bool {
	is := slices.Contains(s.cfg.Node.Peers(), p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if is && s.missed.missed[p.Name()] > 0 {
		return false
	}
	delete(s.missed.retrying, p.Name())
	return true
}

// Hint is what the node with that name is to be asked before anything else, when contact with it
// returns, and what is to be called when it has answered; nil if there is nothing. It is for
// peer.NodeConfig.
func (s *Store) Hint(name string) (message []byte, answered func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.missed
	if !o.known[name] {
		if len(o.known) >= maxKnown {
			clear(o.known)
			clear(o.missed) // they are told when they are met again
		}
		if set(&o.known, name, true); o.any && o.missed[name] == 0 {
			o.queueHint(name) // it may have had what was invalidated before it was met
		}
	}
	untold := o.missed[name]
	if untold == 0 {
		return nil, nil
	}
	return []byte{reqRevalidateAll}, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.missed[name] == untold {
			delete(o.missed, name)
		}
	}
}
