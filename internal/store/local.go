package store

// Held reports whether this node's memory has all that r is to read, and takes it. It is called
// before anything is read, and asks no one.
func (r *Reader) Held() bool {
	if r.atEnd() {
		return true
	}
	if r.end < 0 || !r.rec.refetchable() && r.remote() { // else collect would ask the owner
		return false
	}
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.s.cached(r.rec, c, r.uses())
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return false
	}
	r.show(b[r.pos-c.Start:])
	if from := r.pos + int64(len(r.view)); from < r.end {
		return r.collect(from)
	}
	size := c.End - c.Start
	return size <= r.s.rooms.small || r.pin(size)
}

// AppendHeld appends to b all that r, which is Held, is to read.
func (r *Reader) AppendHeld(b [][]byte) [][]byte {
	if r.view == nil {
		return b
	}
	return append(append(b, r.view), r.views...)
}
