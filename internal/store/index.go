package store

import (
	"maps"
	"slices"
)

// groupRoutingPrefix begins the names under which the index of groups has the keys that share a
// place.
const groupRoutingPrefix = "\x00"

// storedIn returns the keys of all that may be stored in a place.
func (t *table) storedIn(place string) []string {
	return append(slices.Collect(maps.Keys(t.grouped[groupRoutingPrefix+place])), place)
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
	if place := t.canonical(key); place != key {
		groups = append(groups, groupRoutingPrefix+place)
	}
	for _, rec := range variants {
		groups = append(groups, rec.Groups...)
	}
	return groups
}
