package store

import (
	"maps"
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Moment is now.
func (s *Store) Moment() Moment { return s.log.Now() }

// RevalidateAll has each stored record that this node owns validated at its next use. It is to be
// called when this node has been out of contact with its peers: they may have taken its place and
// know newer responses. The entries that it has missed don't tell of these.
func (s *Store) RevalidateAll() { s.log.Doubt() }

// Remove removes all that is stored under keys, and what is on its way there, on all nodes. A node
// that can't be told now learns of it as soon as there is contact, before anything else.
func (s *Store) Remove(keys []string) {
	s.invalidate(invalidation.Remove, keys, nil, nil, Moment{})
}

// Invalidate is Remove for what an unsafe request may have changed (RFC 9111 section 4.4), which is
// all that is stored under keys or belongs to one of groups (RFC 9875): what has a validator isn't
// removed, but used by no request that arrives from now on before it has been validated.
//
// It returns the moment just after. current reports whether no entry has come between then and just
// before that matches a response for the first of keys which belongs to the groups of members.
func (s *Store) Invalidate(keys, groups, members []string, then Moment) (now Moment, current bool) {
	return s.invalidate(invalidation.Revalidate, keys, groups, members, then)
}

func (s *Store) invalidate(
	kind invalidation.Kind, keys, groups, members []string, then Moment,
) (now Moment, current bool) {
	var scopes []invalidation.Scope
	for _, key := range keys {
		scope := invalidation.Key(s.canonical(key))
		if !slices.Contains(scopes, scope) {
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
	c := s.log.Publish(kind, scopes...)
	s.sweepLocked(&c, keys)
	now = s.log.Now()
	s.mu.Unlock()
	if s.cfg.Remote != nil {
		s.cfg.Remote.Tell(&InvalidateRequest{c.Entries, keys})
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

// sweepLocked removes or invalidates what a change of the log matches. What can't be validated is
// removed in any case. keys are the resources that were invalidated, if they are known. Then of all
// that is stored in the same places, only what is for them is swept.
func (s *Store) sweepLocked(c *invalidation.Change, keys []string) {
	for _, e := range c.Entries {
		for _, key := range s.matchedLocked(e.Scope, keys) {
			if e.Kind == invalidation.Revalidate && s.variantWhere(key, func(rec *Record) bool {
				return !rec.Invalid || !rec.RetryAfter.IsZero()
			}) == nil {
				continue
			}
			s.deleteLocked(key, func(rec *Record) bool {
				return e.Kind == invalidation.Remove || !httpcache.Validatable(rec.Header())
			})
			s.changeLocked(key, func(*Record) bool { return true }, func(rec *Record) {
				rec.Invalid, rec.RetryAfter, rec.failure = true, 0, nil // what failed may work now
			})
		}
	}
}

// matchedLocked returns the keys under which a response is stored that scope matches.
func (s *Store) matchedLocked(scope invalidation.Scope, keys []string) []string {
	place, group := scope.Sought()
	switch {
	case group != "":
		return slices.Collect(maps.Keys(s.grouped[group]))
	case place != "":
		return s.storedFor(place, keys)
	}
	return slices.DeleteFunc(s.keysLocked(), func(key string) bool {
		return s.variantWhere(key, func(rec *Record) bool {
			return scope.Matches(s.resourceOf(rec))
		}) == nil
	})
}

// storedFor returns the keys of what is stored in a place for those of keys that are in it, in any
// spelling of their URLs. If there are none, it returns all that is stored there.
func (s *Store) storedFor(place string, keys []string) []string {
	elsewhere := func(key string) bool { return s.canonical(key) != place }
	keys = slices.DeleteFunc(slices.Clone(keys), elsewhere)
	found := slices.DeleteFunc(s.storedIn(place), func(stored string) bool {
		return len(keys) > 0 && s.variantWhere(stored, func(rec *Record) bool {
			return slices.ContainsFunc(keys, func(key string) bool { return s.concerns(rec, key) })
		}) == nil
	})
	for _, key := range keys {
		found = append(found, s.cfg.Keys.Keys(key)...)
	}
	return found
}
