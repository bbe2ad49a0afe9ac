package store

import "sync/atomic"

// Records and chunks share the memory by need: chunks have what records leave. Records come with
// their contents, so that they push out chunks that were used long ago, and these mustn't leave
// their records behind. So records that haven't been used since as many bytes of chunks have come
// as there is room for go as well, each class down to its part: the content of most of them is gone.

// age is a time that goes by what chunks have come: so many are as many bytes as there is room for.
// It begins again at 0 after 255, long after what was used at that age has been looked at.
type age uint8

// old is after how many ages a record that wasn't used is old: as many as there is room for once.
const old age = 8

// rounds is how often all entries of a pool are looked at until what isn't used is old.
const rounds = 2

// ages is the present age.
type ages struct {
	at   atomic.Uint32
	part int64 // of an age that has gone by since, in bytes of chunks
}

func (a *ages) now() age { return age(a.at.Load()) }

// pass lets the time go by in which n bytes of chunks come where there is room for size.
func (a *ages) pass(n, size int64) {
	each := size/int64(old) + 1
	a.part += n
	a.at.Add(uint32(a.part / each))
	a.part %= each
}

// aging is how a pool's entries are looked at.
type aging struct {
	hand *entry // the one that is looked at next
	due  int64  // what part of an entry the hand is behind, in bytes of chunks
}

// nextOld returns the entry that the hand has come to, if it is old, and moves the hand on.
func (p *pool) nextOld(now age) *entry {
	e := p.aging.hand
	if e == nil {
		e = p.oldest // p isn't empty, since it takes more than its part
	}
	if p.aging.hand = e.newer; now-age(e.lastUse.Load()) > old {
		return e
	}
	return nil
}
