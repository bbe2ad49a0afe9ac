package store

// Held reports whether memory has all that r is to read, and takes it: this node's, or that of the
// nodes that own it, as far as a content isn't large. It is called before anything is read. Nobody
// is asked to fetch.
func (r *Reader) Held() bool {
	if r.atEnd() {
		return true
	}
	if r.end < 0 {
		return false
	}
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.s.cached(r.rec, c, r.uses())
	if !ok && r.end-r.pos <= r.s.cfg.Geometry.Max { // else it wouldn't be enough
		b, ok = r.chunk(c)
	}
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return false
	}
	r.show(b[r.pos-c.Start:])
	if from := r.pos + int64(len(r.view)); from < r.end {
		return r.collect(from, true) && !r.removed
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
