package store

import (
	"hash/maphash"
	"strings"
)

// class is what decides which entries of the table make room for which. When the records don't fit
// their share of the memory, an entry goes of a class that has more than its part. Files may take
// more than that share, up to half of the memory: then one of them goes. So what can be asked for
// without end (names that don't exist, the query strings of one script, files of a few bytes)
// evicts its own kind and no others, and may take all of the share that nothing else needs. What
// chunks need is got back from all classes (aging.go).
type class uint8

const (
	files   class = iota // what belongs to none of those below
	small                // a content so small that it is held in the record
	queries              // another query string of a path of which many are stored
	heads                // the answer to a HEAD, which has no content
	errs                 // no representation: a redirection, an error, or a response that isn't stored
	classes
)

// parts are the shares of the memory of records without chunks below which a class makes no room
// for others, as divisors: files for chunks only.
var parts = [classes]int64{files: 4, small: 2, queries: 8, heads: 8, errs: 8}

// class is r's, by what r says.
func (r *Record) class() class {
	switch {
	case r.Pass || r.Status >= 300:
		return errs
	case r.HeadOnly:
		return heads
	case r.Length >= 0 && r.Length <= maxSmall:
		return small
	}
	return files
}

// class is e's: that of the best of its records.
func (e *entry) class() class {
	c := errs
	for _, rec := range e.variants {
		c = min(c, rec.class())
	}
	if e.query && c < queries {
		return queries
	}
	return c
}

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
	e.lastUse = p.aging.now
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
		if !e.used {
			return e
		}
		e.used = false
		p.hand = e.newer
	}
}

// use notes that e, one of p's, has been used.
func (p *pool) use(e *entry) { e.used, e.lastUse = true, p.aging.now }

// evictLocked makes the records fit their shares of the memory, for e, which has come or grown just
// now and isn't the first to go. Files have chunks, so that they may take what others mustn't.
func (s *Store) evictLocked(e *entry) {
	used := e.used
	e.used = true
	defer func() { e.used = used }()
	for s.recordBytes > s.cfg.Memory/recordsShare && len(s.entries) > 1 {
		p := s.crowded()
		if p == nil && s.recordBytes <= s.cfg.Memory/recordsMost {
			return
		} else if p == nil {
			p = &s.pools[files] // which isn't empty: the others together have less than all
		}
		s.removeLocked(p.next().key())
	}
}

// reserveLocked has chunks leave what records take, but a quarter of their share anyhow, which goes
// to what no record accounts for. Many fills at once take more than that: chunks leave them some of
// the share, too, if records don't need it.
func (s *Store) reserveLocked() {
	fills := min(s.live.Load()*fillBytes*s.cfg.Geometry.First, s.cfg.Memory/recordsShare)
	s.chunks.Reserve(max(s.recordBytes, s.least(files), fills))
}

// crowded returns the pool that is to make room for others; nil if that is the files'.
func (s *Store) crowded() *pool {
	for c := errs; c > files; c-- {
		if p := &s.pools[c]; p.bytes > s.least(c) {
			return p
		}
	}
	return nil
}

// least is what a class needn't make room below.
func (s *Store) least(c class) int64 { return s.cfg.Memory / recordsShare / parts[c] }

// manyQueries is how many query strings of a path are stored like files. A site that names its
// files so, as in style.css?v=3, has few of each.
const manyQueries = 64

// queryCounts counts the entries for the query strings of a path. Paths are known by their hash, so
// that a path costs little.
type queryCounts struct {
	seed maphash.Seed // the store's
	n    map[uint64]int32
}

// add counts key in and reports whether its path has many by now.
func (q *queryCounts) add(key string) (many bool) {
	path, _, ok := strings.Cut(key, "?")
	if !ok {
		return false
	}
	h := maphash.String(q.seed, path)
	q.n[h]++
	return q.n[h] > manyQueries
}

func (q *queryCounts) remove(key string) {
	path, _, ok := strings.Cut(key, "?")
	if !ok {
		return
	}
	h := maphash.String(q.seed, path)
	if q.n[h]--; q.n[h] <= 0 {
		delete(q.n, h)
	}
}
