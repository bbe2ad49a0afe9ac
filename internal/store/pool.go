package store

import (
	"hash/maphash"
	"strings"
)

// pool is the entries of a class, linked from the newest to the oldest. Which of them goes is found
// as SIEVE does: a hand goes from the oldest to the newest; it passes by an entry that has been
// used since it last came by, and evicts one that hasn't. What has been asked for again stays,
// however many come after it that are asked for once. A use moves nothing.
type pool struct {
	newest, oldest, hand *entry
	entries, bytes       int64
	aging                aging
}

func (p *pool) add(e *entry) {
	e.newer, e.older = nil, p.newest
	if p.newest != nil {
		p.newest.newer = e
	} else {
		p.oldest = e
	}
	p.newest = e
	p.entries++
	p.bytes += int64(e.bytes)
}

func (p *pool) remove(e *entry) {
	if p.hand == e {
		p.hand = e.newer
	}
	if p.aging.hand == e {
		p.aging.hand = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		p.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		p.oldest = e.newer
	}
	e.newer, e.older = nil, nil
	p.entries--
	p.bytes -= int64(e.bytes)
}

// next returns the entry that is to go; p mustn't be empty.
func (p *pool) next() *entry {
	for {
		if p.hand == nil {
			p.hand = p.oldest
		}
		e := p.hand
		if !e.used.Swap(false) {
			return e
		}
		p.hand = e.newer
	}
}

// manyQueries is how many query strings of a path are stored like files. A site that names its
// files so, as in style.css?v=3, has few of each.
const manyQueries = 64

// queryCounts counts the entries for the query strings of a path. Paths are known by their hash, so
// that a path costs little.
type queryCounts map[uint64]int32

// add counts n more of key's kind and reports whether its path has many by now.
func (q queryCounts) add(key string, n int32) (many bool) {
	path, _, ok := strings.Cut(key, "?")
	if !ok {
		return false
	}
	h := maphash.String(seed, path)
	if q[h] += n; q[h] <= 0 {
		delete(q, h)
	}
	return q[h] > manyQueries
}
