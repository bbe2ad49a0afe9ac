package store

import "cmp"

// Records and chunks share the memory by need: chunks have what records leave. A new record comes
// with its content, whose chunks push out chunks that were used long ago. The records of those
// would stay behind without a content. So a record also goes if it hasn't been used while as many
// bytes of chunks came as there is room for. Each class shrinks to its part in this way, and no
// further.

// rounds is how often the hand looks at all entries of a pool while as many bytes of chunks come as
// there is room for.
const rounds = 2

// nextOld moves the aging hand on. It returns the entry that the hand had come to, if that was used
// last before the given count of bytes. p mustn't be empty.
func (p *pool) nextOld(before int64) *entry {
	e := cmp.Or(p.agingHand, p.oldest)
	if p.agingHand = e.newer; e.lastUse.Load() < before {
		return e
	}
	return nil
}
