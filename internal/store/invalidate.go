package store

import "slices"

// Moment is now, for key.
func (s *Store) Moment(key string) Moment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.momentLocked([]string{key})
}

// Invalidate removes all that is stored under keys (RFC 9111 section 4.4) or belongs to one of
// groups (RFC 9875), and what is on its way there, on all nodes. A node that can't be told now is
// told, as soon as it can be, to validate all that it has. The moments are those of the first key
// just before and just after, equal to none if it was invalidated by others in between.
func (s *Store) Invalidate(keys, groups []string) (before, after Moment) {
	if s.cfg.Remote == nil {
		return s.invalidate(keys, groups)
	}
	// The owners come first, so that others don't get from them once more what they have dropped.
	var owners []string
	for _, key := range keys {
		if owner := s.ownerOf(key); owner != "" {
			owners = append(owners, owner)
		}
	}
	s.cfg.Remote.Invalidate(keys, groups, func(node string) bool { return slices.Contains(owners, node) })
	before, after = s.invalidate(keys, groups)
	s.cfg.Remote.Invalidate(keys, groups, func(node string) bool { return !slices.Contains(owners, node) })
	if len(groups) > 0 {
		// Whose the members of a group are isn't known. By now no owner has any, so that a copy
		// that was got from one meanwhile is the last.
		again, last := s.invalidate(nil, groups)
		if len(keys) > 0 {
			again.key, last.key = s.Moment(keys[0]).key, after.key
		}
		if again != after {
			last = never
		}
		after = last
		s.cfg.Remote.Invalidate(keys, groups, func(string) bool { return true })
	}
	return before, after
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
		for key := range s.shards.keysLocked() {
			s.removeLocked(key)
		}
	}
}
