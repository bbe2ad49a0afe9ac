package store

import (
	"maps"
	"slices"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Moment is now.
func (s *Store) Moment() Moment { return s.log.Now() }

// RevalidateAll has each stored record that this node owns validated at its next use. It is to be
// called when this node has been out of contact with its peers: they may have taken its place and
// know newer responses. The entries that it has missed don't tell of these.
func (s *Store) RevalidateAll() { s.log.RevalidateAll() }

// Suspend has what is stored now validated at each use until Resume is called, which is to be when
// this node has learnt of the entries that it may have missed.
func (s *Store) Suspend() { s.log.Suspend() }

// Resume ends Suspend.
func (s *Store) Resume() { s.log.Resume() }

// Remove removes all that is stored under keys, and what is on its way there, on all nodes. A node
// that can't be told now learns of it as soon as there is contact, before anything else.
func (s *Store) Remove(keys []string) {
	s.publish(invalidation.Remove, s.scopesOf(keys), keys, func() {})
}

// Invalidate is Remove for what an unsafe request may have changed (RFC 9111 section 4.4), which is
// all that is stored under keys or belongs to one of groups (RFC 9875): what has a validator isn't
// removed, but used by no request that arrives from now on before it has been validated.
//
// It returns the moment just after. current reports whether no entry has come between then and just
// before that matches a response for the first of keys which belongs to the groups of members.
func (s *Store) Invalidate(keys, groups, members []string, then Moment) (now Moment, current bool) {
	scopes := s.scopesOf(keys)
	for _, group := range groups {
		scopes = append(scopes, invalidation.Group(group))
	}
	p := s.publish(invalidation.Revalidate, scopes, keys, func() {
		current = len(keys) > 0 && s.log.Joins(s.resource(keys[0], members), s.log.Now().Token,
			then.Token)
	})
	return p.now, current
}

// scopesOf are the canonical forms of keys, each once.
func (s *Store) scopesOf(keys []string) (scopes []invalidation.Scope) {
	for _, key := range keys {
		scope := invalidation.Key(s.canonical(key))
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// published is what has come of entries: the moment just after, what they matched here, and what
// the other nodes say.
type published struct {
	now   Moment
	swept Swept
	told  []Notified
}

// publish issues entries of one kind, sweeps the table for them, and tells the other nodes. keys
// are sweepLocked's. It calls before just before the entries come, under the store's mu.
func (s *Store) publish(
	kind invalidation.Kind, scopes []invalidation.Scope, keys []string, before func(),
) (p published) {
	s.mu.Lock()
	before()
	c := s.log.Publish(kind, scopes...)
	p.swept = s.sweepLocked(&c, keys)
	p.now = s.log.Now()
	s.mu.Unlock()
	if s.cfg.Remote != nil {
		p.told = s.cfg.Remote.Notify(&InvalidateRequest{c.Entries, keys})
	}
	s.changed(&c)
	return p
}

// changed has the other nodes learn what the log has forgotten. Until then they may derive other
// versions.
func (s *Store) changed(c *invalidation.Change) {
	if c.Forgot && s.cfg.Remote != nil {
		s.cfg.Remote.Share()
	}
}

// matchedLocked returns the keys under which a response is stored that scope matches, if they are
// found in an index.
func (s *Store) matchedLocked(scope invalidation.Scope, keys []string) (
	matched []string, found bool,
) {
	canonical, path, group := scope.Sought()
	switch {
	case scope == invalidation.Group(group): // whose name may be empty
		return slices.Collect(maps.Keys(s.grouped[group])), true
	case path != "":
		return s.storedAtLocked(path), true
	case canonical != "":
		return s.storedFor(canonical, keys), true
	}
	return nil, false
}

// storedFor returns the keys of what is stored under a canonical form for those of keys that have
// it, in any spelling of their URLs. If there are none, it returns all that is stored there.
func (s *Store) storedFor(canonical string, keys []string) []string {
	elsewhere := func(key string) bool { return s.canonical(key) != canonical }
	keys = slices.DeleteFunc(slices.Clone(keys), elsewhere)
	found := slices.DeleteFunc(s.storedIn(canonical), func(stored string) bool {
		return len(keys) > 0 && s.variantWhere(stored, func(rec *Record) bool {
			return slices.ContainsFunc(keys, func(key string) bool { return s.concerns(rec, key) })
		}) == nil
	})
	for _, key := range keys {
		found = append(found, s.cfg.Keys.Keys(key)...)
	}
	return found
}

// Two nodes exchange their invalidation logs before they talk of anything else: each sends its
// Position, gets the other one's Reply, and takes that in by Merge.

// logBytes bounds the log, so that all of it fits into one message to another node. A message may
// have 1 MiB; the rest is room for what is known of 6,000 incarnations of nodes.
var logBytes = [...]int{
	invalidation.Remove: 366 << 10, invalidation.Revalidate: 183 << 10,
	invalidation.Expire: 183 << 10,
}

// Position is the position of this node's log.
func (s *Store) Position() *invalidation.Position { return s.log.Now().Position }

// Behind reports whether p, the position of another node, has entries that this node doesn't know.
func (s *Store) Behind(p *invalidation.Position) bool { return s.log.Behind(p) }

// Reply is what a node at p doesn't know.
func (s *Store) Reply(p *invalidation.Position) *invalidation.Reply { return s.log.Reply(p) }

// Merge takes in a Reply of another node, and sweeps the table for the entries that this node has
// missed.
func (s *Store) Merge(reply *invalidation.Reply) error {
	s.mu.Lock()
	c, err := s.log.Merge(reply)
	s.sweepLocked(&c, nil)
	s.mu.Unlock()
	s.changed(&c)
	return err
}
