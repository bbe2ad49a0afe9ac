package store

import "slices"

// groupRoutingPrefix begins what the index of groups has instead of a group's name for keys that
// share a place.
const groupRoutingPrefix = "\x00"

// removeConcernedLocked removes what is stored under that key, if any of it is for url, however
// that is spelled.
func (t *table) removeConcernedLocked(stored, url string) {
	e, _ := t.shards.look(stored)
	if slices.ContainsFunc(e.variants, func(rec *Record) bool { return t.concerns(rec, url) }) {
		t.removeLocked(stored)
	}
}

// groupLocked enters e's key in the index of groups.
func (t *table) groupLocked(e *entry) {
	for group := range t.groupsOf(e) {
		if t.grouped[group] == nil {
			t.grouped[group] = map[string]struct{}{}
		}
		t.grouped[group][e.key()] = struct{}{}
	}
}

// ungroupLocked undoes groupLocked, before e's variants change.
func (t *table) ungroupLocked(e *entry) {
	for group := range t.groupsOf(e) {
		if delete(t.grouped[group], e.key()); len(t.grouped[group]) == 0 {
			delete(t.grouped, group)
		}
	}
}

// groupsOf yields what e's key is indexed by.
func (t *table) groupsOf(e *entry) func(yield func(group string) bool) {
	return func(yield func(group string) bool) {
		if len(e.variants) == 0 {
			return
		}
		if place := t.canonical(e.key()); place != e.key() && !yield(groupRoutingPrefix+place) {
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
