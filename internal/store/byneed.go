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

// ageLocked notes that n bytes of chunks have come, and removes the entries that have become old.
func (s *Store) ageLocked(n int64) {
	size, came := s.chunks.Room(), s.came.Add(n)
	for c := range classes {
		p := &s.pools[c]
		for p.agingDue += n * p.entries * rounds; p.agingDue >= size; p.agingDue -= size {
			if p.bytes <= s.least(c) {
				p.agingDue = 0
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
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	return slices.ContainsFunc(e.variants, func(rec *Record) bool {
		return len(s.runsLocked(rec)) > 0
	})
}
