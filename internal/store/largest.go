package store

import (
	"cmp"
	"slices"
)

// Largest returns the n stored responses with the longest contents that are known, the longest
// first, one for each key. It looks at all records, and holds up no lookup for long.
func (s *Store) Largest(n int) []*Record {
	if n <= 0 {
		return nil
	}
	list := make([]*Record, 0, n+1)
	s.visit(func(e stored) {
		rec := e.longest()
		if rec == nil || len(list) == n && rec.Length <= list[n-1].Length {
			return
		}
		i, _ := slices.BinarySearchFunc(list, rec.Length, func(r *Record, length int64) int {
			return cmp.Compare(length, r.Length)
		})
		list = slices.Insert(list, i, rec)
		list = list[:min(n, len(list))]
	})
	return list
}

// longest returns the record with the longest content among e's, or nil if none has any.
func (e stored) longest() (found *Record) {
	for _, rec := range e.variants {
		if !rec.Pass && !rec.HeadOnly && rec.Length > 0 &&
			(found == nil || rec.Length > found.Length) {
			found = rec
		}
	}
	return found
}
