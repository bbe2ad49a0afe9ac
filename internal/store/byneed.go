package store

// reserveLocked has chunks leave what records take, but a quarter of their share anyhow, which goes
// to what no record accounts for. Many fills at once take more than that: chunks leave them some of
// the share, too, if records don't need it.
func (s *Store) reserveLocked() {
	fills := min(s.live.Load()*fillBytes*s.cfg.Geometry.First, s.cfg.Memory/recordsShare)
	s.chunks.Reserve(max(s.recordBytes, s.least(files), fills))
}

// ageLocked lets the time go by in which n bytes of chunks have come.
func (s *Store) ageLocked(n int64) {
	size, came := s.chunks.Room(), s.came.Add(n)
	for c := files; c < classes; c++ {
		p := &s.pools[c]
		for p.aging.due += n * p.entries * rounds; p.aging.due >= size; p.aging.due -= size {
			if p.bytes <= s.least(c) {
				p.aging.due = 0
				break
			}
			if e := p.nextOld(came - size); e != nil && !s.beingRead(e) {
				s.removeLocked(e.key())
			}
		}
	}
}

// beingRead reports whether a fill reads the content of some record of e.
func (s *Store) beingRead(e *entry) bool {
	for _, rec := range e.variants {
		if b, ok := s.byVersion[rec.Version]; ok && len(b.runs) > 0 {
			return true
		}
	}
	return false
}
