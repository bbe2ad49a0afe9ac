package store

import "iter"

// groupRoutingPrefix begins the names under which the index of groups has the keys that share a
// place.
const groupRoutingPrefix = "\x00"

// storedIn yields the keys of all that may be stored in a place.
func (t *table) storedIn(place string) iter.Seq[string] {
	return func(yield func(key string) bool) {
		if !yield(place) {
			return
		}
		for key := range t.grouped[groupRoutingPrefix+place] {
			if !yield(key) {
				return
			}
		}
	}
}

// groupLocked enters e's key in the index of groups.
func (t *table) groupLocked(e *entry) {
	for _, group := range t.groupsOf(e) {
		if t.grouped[group] == nil {
			t.grouped[group] = map[string]struct{}{}
		}
		t.grouped[group][e.key()] = struct{}{}
	}
}

// ungroupLocked undoes groupLocked, before e's variants change.
func (t *table) ungroupLocked(e *entry) {
	for _, group := range t.groupsOf(e) {
		if delete(t.grouped[group], e.key()); len(t.grouped[group]) == 0 {
			delete(t.grouped, group)
		}
	}
}

// groupsOf returns the names that e's key is indexed by.
func (t *table) groupsOf(e *entry) (groups []string) {
	if place := t.canonical(e.key()); place != e.key() {
		groups = append(groups, groupRoutingPrefix+place)
	}
	for _, rec := range e.variants {
		groups = append(groups, rec.Groups...)
	}
	return groups
}
