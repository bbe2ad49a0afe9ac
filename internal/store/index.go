package store

import (
	"maps"
	"slices"
	"strings"
)

// canonicalPrefix begins the names under which the index of groups has the keys that share a
// canonical form.
const canonicalPrefix = "\x00"

// storedIn returns the keys with that canonical form under which something may be stored.
func (t *table) storedIn(canonical string) []string {
	return append(slices.Collect(maps.Keys(t.grouped[canonicalPrefix+canonical])), canonical)
}

// storedAtLocked returns the keys of all that is stored whose canonical form has that path. Those
// with that path are in one shard, and those that are spelled otherwise are in the index.
func (t *table) storedAtLocked(path string) (keys []string) {
	at := func(canonical string) bool {
		rest, ok := strings.CutPrefix(canonical, path)
		return ok && (rest == "" || rest[0] == '?')
	}
	for key := range t.of(path).byKey {
		if at(key) && t.canonical(key) == key {
			keys = append(keys, key)
		}
	}
	for name, spelled := range t.grouped {
		if canonical, ok := strings.CutPrefix(name, canonicalPrefix); ok && at(canonical) {
			keys = slices.AppendSeq(keys, maps.Keys(spelled))
		}
	}
	return keys
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
