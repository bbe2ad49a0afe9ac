package invalidation

import "sync/atomic"

// filter says without a lock which resources an entry has surely not matched after some moment: it
// has, for each hash of a scope, when the last entry with that hash came. So two scopes that share
// a hash cost a look under the lock, and no more.
type filter struct {
	seed  uint64
	every atomic.Uint64 // when something came that may match everything
	slots []atomic.Uint64
}

const filterSlots = 1 << 12

const fnvPrime = 1099511628211

// The hash of a scope is that of its name, byte by byte, so that one pass over a path makes those
// of all its prefixes, and then what field it is.
func (f *filter) slot(h uint64, field field) *atomic.Uint64 {
	return &f.slots[mix(h+uint64(field))%uint64(len(f.slots))]
}

func (f *filter) hash(name string) uint64 {
	h := f.seed
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * fnvPrime
	}
	return h
}

// note notes that an entry has come at some moment.
func (f *filter) note(s Scope, at Token) {
	if s.field == all {
		f.every.Store(uint64(at))
		return
	}
	f.slot(f.hash(s.name), s.field).Store(uint64(at))
}

// may reports whether an entry that matches r may have come after since.
func (f *filter) may(r Resource, since Token) bool {
	then := uint64(since)
	if f.every.Load() > then {
		return true
	}
	h, query := f.seed, false
	for i := range len(r.Key) {
		c := r.Key[i]
		if !query && (c == '/' || c == '?') && f.slot(h, prefix).Load() > then {
			return true
		}
		query = query || c == '?'
		h = (h ^ uint64(c)) * fnvPrime
	}
	if f.slot(h, key).Load() > then || !query && f.slot(h, prefix).Load() > then {
		return true
	}
	for _, name := range r.Groups {
		if f.slot(f.hash(name), group).Load() > then {
			return true
		}
	}
	return false
}
