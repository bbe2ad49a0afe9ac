package store

// Records and chunks share the memory by need: chunks have what records leave. Records come with
// their contents, so that they push out chunks that were used long ago, and these mustn't leave
// their records behind. So records that haven't been used since as many bytes of chunks have come
// as there is room for go as well, each class down to its part: the content of most of them is gone.

// age is a time that goes by what chunks have come: so many are as many bytes as there is room for.
// It begins again at 0 after 255, long after what was used at that age has been looked at.
type age uint8

const lifetime age = 8

// rounds is how often all entries of a pool are looked at in a lifetime.
const rounds = 2

// aging is how a pool's entries get old.
type aging struct {
	now  age
	part int64  // of an age that has gone by since, in bytes of chunks
	hand *entry // the one that is looked at next
	due  int64  // what part of an entry the hand is behind, in bytes of chunks
}

// ageLocked lets the time go by in which n bytes of chunks have come.
func (s *Store) ageLocked(n int64) {
	size := s.chunks.Room()
	for c := files; c < classes; c++ {
		p := &s.pools[c]
		p.aging.pass(n, size)
		for p.aging.due += n * p.entries * rounds; p.aging.due >= size; p.aging.due -= size {
			if p.bytes <= s.least(c) {
				p.aging.due = 0
				break
			}
			if e := p.old(); e != nil && !s.beingRead(e) {
				s.removeLocked(e.key())
			}
		}
	}
}

// pass lets the time go by in which n bytes of chunks come where there is room for size.
func (a *aging) pass(n, size int64) {
	each := size/int64(lifetime) + 1
	a.part += n
	a.now += age(a.part / each)
	a.part %= each
}

// old returns the entry that the hand has come to, if it is old, and moves the hand on.
func (p *pool) old() *entry {
	e := p.aging.hand
	if e == nil {
		e = p.oldest // p isn't empty, since it takes more than its part
	}
	if p.aging.hand = e.newer; p.aging.now-e.lastUse > lifetime {
		return e
	}
	return nil
}

// beingRead reports whether a fill reads the content of some record of e.
func (s *Store) beingRead(e *entry) bool {
	for _, rec := range e.variants {
		if b, ok := s.bodies[rec.Version]; ok && len(b.runs) > 0 {
			return true
		}
	}
	return false
}
