package store

import (
	"cmp"
	"hash/maphash"
	"strings"
)

// pool is the entries of a class, linked from the newest to the oldest. It evicts as SIEVE does: a
// hand goes from the oldest to the newest entry, spares an entry that has been used since its last
// visit, and evicts one that hasn't. So what is asked for again stays, however many entries come
// that are asked for once. A use moves nothing.
type pool struct {
	newest, oldest, hand *entry
	entries, bytes       int64

	agingHand *entry // the entry that is looked at next: see rounds
	agingDue  int64  // what part of an entry that hand is behind, in bytes of chunks
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
	if p.agingHand == e {
		p.agingHand = e.newer
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

// next returns the entry that is to go. p mustn't be empty.
func (p *pool) next() *entry {
	for {
		e := cmp.Or(p.hand, p.oldest)
		if !e.used.Swap(false) {
			return e
		}
		p.hand = e.newer
	}
}

// manyQueries is how many query strings of a path are treated as files. A site that names its files
// so, as in style.css?v=3, has few of each.
const manyQueries = 64

// queryCounts counts the entries for the query strings of each path, by the path's hash to save
// memory.
type queryCounts map[uint64]int32

// add adds n to the count of key's path, and reports whether that has many query strings now. A key
// without a query isn't counted.
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

// Records and chunks share the memory by need: chunks have what records leave. A new record comes
// with its content, whose chunks push out chunks that were used long ago. The records of those
// would stay behind without a content. So a record also goes if it hasn't been used while as many
// bytes of chunks came as there is room for. Each class shrinks to its part in this way, and no
// further. Newcomers have the room of probation for that, the others that of main: what comes and
// isn't asked for again pushes nothing out of main.

// rounds is how often the hand looks at all entries of a pool while as many bytes of chunks come as
// there is room for.
const rounds = 2

// nextAging moves the aging hand on, and returns the entry that it had come to. p mustn't be empty.
func (p *pool) nextAging() *entry {
	e := cmp.Or(p.agingHand, p.oldest)
	p.agingHand = e.newer
	return e
}
