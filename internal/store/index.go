package store

import (
	"maps"
	"slices"
)

// canonicalPrefix begins the names under which the index of groups has the keys that share a
// canonical form.
const canonicalPrefix = "\x00"

// storedIn returns the keys with that canonical form under which something may be stored.
func (t *table) storedIn(canonical string) []string {
	return append(slices.Collect(maps.Keys(t.grouped[canonicalPrefix+canonical])), canonical)
}

// groupLocked enters a key in the index of groups, with what is stored under it.
func (t *table) groupLocked(key string, variants []*Record) {
	for _, group := range t.groupsOf(key, variants) {
		if t.grouped[group] == nil {
			t.grouped[group] = map[string]struct{}{}
		}
		t.grouped[group][key] = struct{}{}
	}
}

// ungroupLocked undoes groupLocked.
func (t *table) ungroupLocked(key string, variants []*Record) {
	for _, group := range t.groupsOf(key, variants) {
		if delete(t.grouped[group], key); len(t.grouped[group]) == 0 {
			delete(t.grouped, group)
		}
	}
}

// groupsOf returns the names that a key is indexed by.
func (t *table) groupsOf(key string, variants []*Record) (groups []string) {
	if canonical := t.canonical(key); canonical != key {
		groups = append(groups, canonicalPrefix+canonical)
	}
	for _, rec := range variants {
		groups = append(groups, rec.Groups...)
	}
	return groups
}
