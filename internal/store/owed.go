package store

import (
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// owed is what this node owes to others: to tell them that they have missed an invalidation. The zero value is ready for use.
type owed struct {
	any       bool            // something has been invalidated since this node began
	met       map[string]bool // the nodes that there has been contact with
	untold    map[string]int  // of how many invalidations a node couldn't be told, by its name
	reminding map[string]bool // nodes that are tried again and again
}

// maxMet bounds the nodes that are remembered. One that is forgotten is told to doubt what it has when it is met again.
const maxMet = 1000

// owe notes that p couldn't be told. It is tried again until it can be, if it doesn't lose contact; and when it has, as soon
// as contact returns.
func (s *Store) owe(p *peer.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed.oweName(p.Name())
	if s.owed.reminding[p.Name()] || !s.beginLocked() {
		return
	}
	set(&s.owed.reminding, p.Name(), true)
	go s.remind(p)
}

func (o *owed) oweName(name string) { set(&o.untold, name, o.untold[name]+1) }

func set[T any](m *map[string]T, name string, value T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[name] = value
}

// oweAbsent notes that those who are no nodes at present, but have been and may have kept what they had, miss an invalidation.
func (s *Store) oweAbsent(peers []*peer.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed.any = true
	for name := range s.owed.met {
		if !slices.ContainsFunc(peers, func(p *peer.Peer) bool { return p.Name() == name }) {
			s.owed.oweName(name)
		}
	}
}

// Pauses between tries to tell a node.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// remind tells p to doubt all that it has, once it can be told, unless it is no node any more.
func (s *Store) remind(p *peer.Peer) {
	defer s.work.Done()
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		select {
		case <-time.After(pause):
		case <-s.base.Done():
			return
		}
		message, answered := s.Reminder(p.Name())
		if message != nil && s.tell(p, message) == nil {
			answered()
		}
		if s.reminded(p) {
			return
		}
	}
}

// reminded tells whether p need be reminded no more.
func (s *Store) reminded(p *peer.Peer) bool {
	is := slices.Contains(s.cfg.Node.Peers(), p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if is && s.owed.untold[p.Name()] > 0 {
		return false
	}
	delete(s.owed.reminding, p.Name())
	return true
}

// Reminder is what the node with that name is to be asked before anything else, when contact with it returns, and what is
// to be called when it has answered; nil if there is nothing. It is for peer.NodeConfig.
func (s *Store) Reminder(name string) (message []byte, answered func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.owed
	if !o.met[name] {
		if len(o.met) >= maxMet {
			clear(o.met)
			clear(o.untold) // they are told when they are met again
		}
		if set(&o.met, name, true); o.any && o.untold[name] == 0 {
			o.oweName(name) // it may have had what was invalidated before it was met
		}
	}
	untold := o.untold[name]
	if untold == 0 {
		return nil, nil
	}
	return []byte{askDoubt}, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.untold[name] == untold {
			delete(o.untold, name)
		}
	}
}
