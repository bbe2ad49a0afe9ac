package store

import "slices"

// reserve reserves memory for records, which chunks mustn't take: as much as the records
// take, but at least a quarter of their share, for what no record accounts for. Many fills at once
// need more than that quarter; they get more of the share if records don't need it.
func (s *Store) reserve() {
	s.reserving.Lock() // the last one to come knows all changes
	defer s.reserving.Unlock()
	fills := min(s.live.Load()*fillBytes*s.cfg.Geometry.First, s.cfg.Memory/recordsShare)
	s.chunks.Reserve(max(s.recordBytes.Load(), s.least(files), fills))
}

// ageLocked removes the entries that have become old by the chunks that have come.
func (s *Store) ageLocked() {
	came, room := s.chunks.Turnover()
	n := came - s.came.Swap(came)
	tried, trial := s.chunks.Trial()
	newly := tried - s.tried
	s.tried = tried
	for c := range classes {
		if c == newcomers {
			s.agePoolLocked(c, newly, trial, tried-trial)
		} else {
			s.agePoolLocked(c, n, room, came-room)
		}
	}
}

// agePoolLocked notes that n bytes of chunks have come where there is room for so many, and removes
// those entries of c that were used last before that many had come.
func (s *Store) agePoolLocked(c class, n, room, before int64) {
	p := &s.pools[c]
	for p.agingDue += n * p.entries * rounds; p.agingDue > 0 && p.agingDue >= room; {
		if p.agingDue -= room; p.bytes <= s.least(c) {
			p.agingDue = 0
			return
		}
		switch e := p.nextAging(); {
		case c == newcomers && !e.newcomer():
			s.poolLocked(s.look(e.key()))
		case e.old(before) && !s.beingRead(e):
			s.evictions.Add(1)
			s.removeLocked(e.key())
		}
	}
}

// beingRead reports whether a fill reads the content of some record of e.
func (s *Store) beingRead(e *entry) bool {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	return slices.ContainsFunc(e.variants, func(rec *Record) bool {
		return len(s.runsLocked(rec)) > 0
	})
}
