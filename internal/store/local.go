package store

// Held reports whether this node's memory has all that r is to read, and takes it. If ask is set,
// what it lacks of a content that isn't large may be in the memory of the nodes that own it. It is
// called before anything is read. Nobody is asked to fetch.
func (r *Reader) Held(ask bool) bool {
	if r.atEnd() {
		return true
	}
	if r.end < 0 {
		return false
	}
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.s.cached(r.rec, c, r.uses())
	if !ok && ask && r.end-r.pos <= r.s.cfg.Geometry.Max { // else it wouldn't be enough
		b, ok = r.chunk(c)
	}
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return false
	}
	r.show(b[r.pos-c.Start:])
	if from := r.pos + int64(len(r.view)); from < r.end {
		return r.collect(from, ask) && !r.removed
	}
	size := c.End - c.Start
	return !r.removed && (size <= r.s.rooms.small || r.pin(size))
}

// AppendHeld appends to b all that r, which is Held, is to read.
func (r *Reader) AppendHeld(b [][]byte) [][]byte {
	if r.view == nil {
		return b
	}
	return append(append(b, r.view), r.views...)
}
