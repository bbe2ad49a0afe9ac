package store

// Held reports whether this node's memory has all that r is to read, and takes it. It is called
// before anything is read, and asks no one.
func (r *Reader) Held() bool {
	if r.atEnd() || r.viewSmall() {
		return true
	}
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.s.cached(r.rec, c)
	if r.end < 0 || !ok || r.pos-c.Start >= int64(len(b)) {
		return false
	}
	r.show(b[r.pos-c.Start:])
	if from := r.pos + int64(len(r.view)); from < r.end {
		return r.collect(from)
	}
	size := c.End - c.Start
	return size <= r.s.rooms.small || r.kept.pin(size)
}

// AppendHeld appends to b all that r, which is Held, is to read.
func (r *Reader) AppendHeld(b [][]byte) [][]byte {
	if r.view == nil {
		return b
	}
	return append(append(b, r.view), r.views...)
}

// RingEpoch counts the changes of the ring, which says who owns what.
func (s *Store) RingEpoch() uint64 { return s.ringEpoch() }
