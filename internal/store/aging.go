package store

import "cmp"

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
