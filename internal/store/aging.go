package store

// Records and chunks share the memory by need: chunks have what records leave. A new record comes
// with its content, whose chunks push out chunks that were used long ago. The records of those
// would stay behind without a content. So a record also goes if it hasn't been used while as many
// bytes of chunks came as there is room for. Each class shrinks to its part in this way, and no
// further.

// rounds is how often the hand looks at all entries of a pool while as many bytes of chunks come as
// there is room for.
const rounds = 2

// aging is how a pool's entries are looked at.
type aging struct {
	hand *entry // the entry that is looked at next
	due  int64  // what part of an entry the hand is behind, in bytes of chunks
}

// nextOld moves the hand on. It returns the entry that the hand had come to, if that was used last
// before the given count of bytes.
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
