package store

import (
	"slices"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Moment is now.
func (s *Store) Moment() Moment { return s.log.Now() }

// RevalidateAll has each stored record that this node owns validated at its next use. It is to be
// called when this node has been out of contact with its peers: they may have taken its place and
// know newer responses.
func (s *Store) RevalidateAll() { s.log.Doubt() }

// Invalidate removes all that is stored under keys (RFC 9111 section 4.4) or belongs to one of
// groups (RFC 9875), and what is on its way there, on all nodes. A node that can't be told now
// learns of it as soon as there is contact, before anything else.
//
// It returns the moment just after. current reports whether no entry has come between then and just
// before that matches a response for the first of keys which belongs to the groups of members.
func (s *Store) Invalidate(keys, groups, members []string, then Moment) (
	now Moment, current bool,
) {
	var scopes []invalidation.Scope
	for _, key := range keys {
		if scope := invalidation.Key(s.canonical(key)); !slices.Contains(scopes,
			scope) {
			scopes = append(scopes, scope)
		}
	}
	for _, group := range groups {
		scopes = append(scopes, invalidation.Group(group))
	}
	s.mu.Lock()
	if current = len(keys) > 0; current {
		current = s.log.Joins(s.resource(keys[0], members), s.log.Now().Token, then.Token)
	}
	c := s.log.Publish(invalidation.Remove, scopes...)
	s.sweepLocked(&c, keys)
	now = s.log.Now()
	s.mu.Unlock()
	if s.cfg.Remote != nil {
		s.cfg.Remote.Invalidate(c.Entries, keys)
	}
	s.changed(&c)
	return now, current
}

// changed has the other nodes learn what the log has forgotten. Until then they may derive other
// versions.
func (s *Store) changed(c *invalidation.Change) {
	if c.Forgot && s.cfg.Remote != nil {
		s.cfg.Remote.Share()
	}
}

// sweepLocked removes what a change of the log matches. keys are the resources that were
// invalidated, if they are known. Then only what is for them is removed, of all that is stored in
// the same places.
func (s *Store) sweepLocked(c *invalidation.Change, keys []string) {
	defer s.log.Swept(*c)
	if c.RemoveAll {
		for key := range s.shards.keysLocked() {
			s.removeLocked(key)
		}
		return
	}
	for _, e := range c.Entries {
		if e.Kind == invalidation.Remove {
			s.removeScopeLocked(e.Scope, c, keys)
		}
	}
}

func (s *Store) removeScopeLocked(scope invalidation.Scope, c *invalidation.Change, keys []string) {
	place, group := scope.Sought()
	switch {
	case group != "":
		for key := range s.grouped[group] {
			s.removeLocked(key)
		}
	case place != "":
		s.removePlaceLocked(place, slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
			return s.canonical(key) != place
		}))
	default:
		for key := range s.shards.keysLocked() {
			e, _ := s.shards.getLocked(key)
			if slices.ContainsFunc(e.variants, func(rec *Record) bool {
				return c.Matches(s.resourceOf(rec), rec.basis)
			}) {
				s.removeLocked(key)
			}
		}
	}
}

// removePlaceLocked removes what is stored in a place for the resources of those keys, in any
// spelling of their URLs. If there are no keys, it removes all that is stored there.
func (s *Store) removePlaceLocked(place string, keys []string) {
	for stored := range s.storedIn(place) {
		e, _ := s.shards.look(stored)
		if len(keys) == 0 || slices.ContainsFunc(e.variants, func(rec *Record) bool {
			return slices.ContainsFunc(keys, func(key string) bool { return s.concerns(rec, key) })
		}) {
			s.removeLocked(stored)
		}
	}
	for _, key := range keys {
		for _, stored := range s.cfg.Keys.Keys(key) {
			s.removeLocked(stored)
		}
	}
}
