package store

import (
	"slices"
	"sync/atomic"
)

// The records of one key are variants of each other (RFC 9111 section 4.1). They are told apart by
// all fields that any of their Vary fields names. An origin may name a field only in responses to
// requests that have it; a response that doesn't name it may still be meant only for requests
// without it. So a record remembers more of its request than its own Vary asks for: a hash of each
// field.

// entry is all that is stored under one cache key: a record for each variant, the newest first.
type entry struct {
	variants     []*Record // never empty in the table
	newer, older *entry    // in its pool
	ringEpoch    uint32    // the ring's epoch when it was last known who owns the key
	bytes        uint32    // what it takes in memory
	pool         class
	query        bool         // its path had many query strings when it came
	onTrial      bool         // its chunks are on probation
	kept         bool         // some are in main, or it has been used
	used         atomic.Bool  // since the pool's hand came by
	lastUse      atomic.Int64 // how many bytes of chunks had come to main; see newcomer
}

// use notes a use now, unless one was noted less than step bytes ago: many clients use the same
// entry at once. No lock need be held.
func (e *entry) use(now, step int64) {
	if now-e.lastUse.Load() >= step || !e.used.Load() {
		e.lastUse.Store(now)
		e.used.Store(true)
	}
}

func (e *entry) key() string { return e.variants[0].Key }

// maxVariants bounds the records of one key, so that searching them stays cheap; the oldest make
// room.
const maxVariants = 32

// maxHeads bounds the answers to HEADs of one key, besides.
const maxHeads = 8

// maxParts bounds the parts of one key that can't be joined, besides.
const maxParts = 32

// merged returns the names in a and b, each once. Both are sorted.
func merged(a, b []string) []string {
	switch {
	case !slices.ContainsFunc(b, func(name string) bool { return !slices.Contains(a, name) }):
		return a
	case len(a) == 0:
		return b
	}
	names := slices.Concat(a, b)
	slices.Sort(names)
	return slices.Compact(names)
}

// varyOf returns the fields that tell apart those of variants that a HEAD may select, or those that
// a GET may select: the fields that any stored response names. If none is stored, it returns those
// that a note of an unstored response names.
func varyOf(variants []*Record, head bool) []string {
	var stored, noted []string
	some := false
	for _, rec := range variants {
		switch {
		case rec.HeadOnly && !head:
		case rec.Pass:
			noted = merged(noted, rec.Vary)
		default:
			stored, some = merged(stored, rec.Vary), true
		}
	}
	if some {
		return stored
	}
	return noted
}

// most is how many records of r's kind a key may have.
func (r *Record) most() int {
	switch {
	case r.HeadOnly:
		return maxHeads
	case r.Part != Part{}:
		return maxParts
	}
	return maxVariants
}

// surplus returns the index of the record that has to go because there are too many of rec's kind,
// or -1. It is the oldest one, but not one without which the fields that tell the others apart
// would be unknown.
func surplus(variants []*Record, rec *Record) int {
	var like []int
	for i, r := range variants {
		if r != rec && r.HeadOnly == rec.HeadOnly && (r.Part == Part{}) == (rec.Part == Part{}) {
			like = append(like, i)
		}
	}
	if len(like) < rec.most() {
		return -1
	}
	for _, i := range slices.Backward(like) {
		others := slices.Delete(slices.Clone(variants), i, i+1)
		if len(varyOf(others, true)) == len(varyOf(variants, true)) {
			return i
		}
	}
	return like[len(like)-1]
}
