package invalidation

import (
	"iter"
	"slices"
)

// The methods of a share need its log's lock.

// sorted are the items in the order of their names.
func (s *share) sorted() (all []item) {
	for _, items := range s.items {
		all = append(all, items...)
	}
	slices.SortFunc(all, func(a, b item) int { return a.Name.Compare(b.Name) })
	return all
}

// matching yields the items that match r.
func (s *share) matching(r Resource) iter.Seq[item] {
	return func(yield func(item) bool) {
		for scope := range scopes(r) {
			for _, it := range s.items[scope] {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// came is when the latest entry came that matches r, or forgot if that is later: entries from
// before may be forgotten.
func (s *share) came(r Resource) Token {
	at := s.forgot
	for it := range s.matching(r) {
		at = max(at, it.at)
	}
	return at
}

// lacks reports whether an entry that matches r is known here and not within known, or may be.
func (s *share) lacks(known vector, r Resource) bool {
	if !known.covers(s.forgotten) {
		return true
	}
	for it := range s.matching(r) {
		if it.Name.Number > known.at(it.Name.Issuer) {
			return true
		}
	}
	return false
}

// forget forgets the entries with the lowest names, until the rest takes no more than bytes. That
// is to be much less than before, since each time all versions that are derived later are others.
func (s *share) forget(bytes int) {
	var gone vector
	rest := s.bytes
	for _, it := range s.sorted() {
		if rest <= bytes {
			break
		}
		rest -= it.cost()
		gone = append(gone, count{it.Name.Issuer, it.Name.Number})
	}
	s.forgotten = s.forgotten.merged(gone)
	s.tidy()
}

// tidy drops the entries that count as forgotten, so that all nodes which have forgotten as much
// derive the same marks.
func (s *share) tidy() {
	for scope, items := range s.items {
		items = slices.DeleteFunc(items, func(it item) bool {
			gone := it.Name.Number <= s.forgotten.at(it.Name.Issuer)
			if gone {
				s.forgot = max(s.forgot, it.at)
				s.bytes -= it.cost()
			}
			return gone
		})
		if s.items[scope] = items; len(items) == 0 {
			delete(s.items, scope)
		}
	}
}
