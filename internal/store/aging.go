package store

// Records and chunks share the memory by need: chunks have what records leave. Records come with
// their contents, so that they push out chunks that were used long ago, and these mustn't leave
// their records behind. So records that haven't been used since as many bytes of chunks have come
// as there is room for go as well, each class down to its part: the content of most of them is gone.

// rounds is how often all entries of a pool are looked at while as many bytes of chunks come as there
// is room for.
const rounds = 2

// aging is how a pool's entries are looked at.
type aging struct {
	hand *entry // the one that is looked at next
	due  int64  // what part of an entry the hand is behind, in bytes of chunks
}

// nextOld returns the entry that the hand has come to, if it was used last before that, and moves the
// hand on.
func (p *pool) nextOld(before int64) *entry {
	e := p.aging.hand
	if e == nil {
		e = p.oldest // p isn't empty, since it takes more than its part
	}
	if p.aging.hand = e.newer; e.lastUse.Load() < before {
		return e
	}
	return nil
}
