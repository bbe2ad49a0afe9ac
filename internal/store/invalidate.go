package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// notifyTimeout is how long another node is waited for that is to be told of something.
const notifyTimeout = time.Second

// Invalidate does away with all that is stored under keys (RFC 9111 section 4.4) or belongs to one
// of groups (RFC 9875), and with what is on its way there, on all nodes. A node that can't be told
// now is told, as soon as it can be, to validate all that it has. The moments are those of the
// first key just before and just after, equal to none if it was invalidated by others in between.
func (s *Store) Invalidate(keys, groups []string) (before, after Moment) {
	peers := s.cfg.Node.Peers()
	message := appendStrings(appendStrings([]byte{reqInvalidate}, keys), groups)
	// The owners come first, so that others don't get from them once more what they have dropped.
	var owners []string
	for _, key := range keys {
		if p := s.ownerOf(key); p != nil && !slices.Contains(owners, p.Name()) {
			owners = append(owners, p.Name())
		}
	}
	s.queueHintsForAbsent(peers)
	s.notifyAll(peers, message, func(name string) bool { return slices.Contains(owners, name) })
	before, after = s.invalidate(keys, groups)
	s.notifyAll(peers, message, func(name string) bool { return !slices.Contains(owners, name) })
	if len(groups) > 0 && s.cfg.Node != nil {
		// Whose the members of a group are isn't known. By now no owner has any, so that a copy
		// that was got from one meanwhile is the last.
		again, last := s.invalidate(keys[:0:0], groups)
		if len(keys) > 0 {
			again.key, last.key = s.Moment(keys[0]).key, after.key
		}
		if again != after {
			last = never
		}
		after = last
		s.notifyAll(peers, message, func(string) bool { return true })
	}
	return before, after
}

// notifyAll notifies those of peers that chosen chooses.
func (s *Store) notifyAll(peers []*peer.Peer, message []byte, chosen func(name string) bool) {
	var told sync.WaitGroup
	for _, p := range peers {
		if !chosen(p.Name()) {
			continue
		}
		told.Go(func() {
			if err := s.notify(p, message); err != nil {
				s.queueHint(p)
			}
		})
	}
	told.Wait()
}

func (s *Store) notify(p *peer.Peer, message []byte) error {
	ctx, cancel := context.WithTimeout(s.base, notifyTimeout)
	defer cancel()
	stream, err := p.Open(ctx, message)
	if err != nil {
		return err
	}
	defer stream.Close()
	_, err = s.awaitReply(stream, nil)
	return err
}

// invalidate is Invalidate for this node.
func (s *Store) invalidate(keys, groups []string) (before, after Moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.momentLocked(keys)
	defer func() { after = s.momentLocked(keys) }()
	for _, key := range keys {
		s.invalidateLocked(key)
	}
	for _, group := range groups {
		s.groups.raise(group)
		for key := range s.grouped[group] {
			s.removeLocked(key)
		}
	}
	return before, after
}

func (s *Store) invalidateLocked(key string) {
	for _, stored := range s.cfg.Keys.Keys(key) {
		s.removeLocked(stored)
	}
	place := s.cfg.Keys.CanonicalKey(key)
	s.removeConcernedLocked(place, key)
	for stored := range s.grouped[groupRoutingPrefix+place] {
		s.removeConcernedLocked(stored, key)
	}
	if all := s.generations.raise(place); all {
		for key := range s.entries {
			s.removeLocked(key)
		}
	}
}

// removeConcernedLocked removes what is stored under that key, if any of it is for url, however
// that is spelled.
func (s *Store) removeConcernedLocked(stored, url string) {
	e, ok := s.entries[stored]
	if ok && slices.ContainsFunc(e.variants, func(rec *Record) bool { return s.cfg.concerns(rec, url) }) {
		s.removeLocked(stored)
	}
}

// generationLocked is the generation of key: that of its canonical key, since a response may turn
// out to be for other keys with the same.
func (s *Store) generationLocked(key string) uint64 {
	return s.generations.of(s.cfg.Keys.CanonicalKey(key))
}

// groupRoutingPrefix begins what the index of groups has instead of a group's name for keys that
// share a place.
const groupRoutingPrefix = "\x00"

// overtakenLocked reports whether rec was asked for before its key, of which generation says what
// it was then, or one of its groups was invalidated. It mustn't be stored then.
func (s *Store) overtakenLocked(rec *Record, generation uint64) bool {
	return generation != s.generationLocked(rec.Key) || s.groups.after(rec.since, rec.Groups)
}

// groupLocked enters e's key in the index of groups.
func (s *Store) groupLocked(e *entry) {
	for group := range s.groupsOf(e) {
		if s.grouped[group] == nil {
			s.grouped[group] = map[string]struct{}{}
		}
		s.grouped[group][e.key()] = struct{}{}
	}
}

// ungroupLocked undoes groupLocked, before e's variants change.
func (s *Store) ungroupLocked(e *entry) {
	for group := range s.groupsOf(e) {
		if delete(s.grouped[group], e.key()); len(s.grouped[group]) == 0 {
			delete(s.grouped, group)
		}
	}
}

// groupsOf yields what e's key is indexed by.
func (s *Store) groupsOf(e *entry) func(yield func(group string) bool) {
	return func(yield func(group string) bool) {
		if len(e.variants) == 0 {
			return
		}
		if place := s.cfg.Keys.CanonicalKey(e.key()); place != e.key() && !yield(groupRoutingPrefix+place) {
			return
		}
		for _, rec := range e.variants {
			for _, group := range rec.Groups {
				if !yield(group) {
					return
				}
			}
		}
	}
}
