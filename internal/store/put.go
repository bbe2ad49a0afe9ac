package store

import "math/rand/v2"

// Put stores rec, which has all that Source.Fetch gives one and its Key, with its whole content, at
// its owner: unless its key has been invalidated since then, or one of its groups. If the owner
// can't be told, nothing is stored.
func (s *Store) Put(rec *Record, content []byte, then Moment) {
	rec.Length = int64(len(content))
	owner := s.ownerOf(rec.Key)
	if owner == "" {
		s.put(rec, content, then)
		return
	}
	if s.Moment(rec.Key) != then {
		return
	}
	defer func() {
		if s.Moment(rec.Key) != then { // what the owner was told of first may have been overtaken by this
			s.Invalidate([]string{rec.Key}, nil)
		}
	}()
	_ = s.cfg.Remote.Put(s.base, owner, rec, content) // it returns when a client that is answered finds it there
}

// put stores rec and its content here. The chunks come first: a record whose bytes aren't there
// would be of no use.
func (s *Store) put(rec *Record, content []byte, then Moment) {
	s.mu.Lock()
	rec.Generation, rec.since, rec.fetchedAt, rec.mark = then.key, then.groups, s.clock, s.groups.mark(rec.Groups)
	open := s.begin()
	s.mu.Unlock()
	if !open {
		return
	}
	defer s.work.Done()
	rec.Rangeable, rec.Resumable, rec.Fragments, rec.OneSlab = false, false, false, true
	rec.Revision = rand.Uint64()
	rec.Version = s.version(rec, "")
	rec.ringEpoch = s.ringEpoch()
	s.adopt(rec.Key, rec)
	rec.small = smallContent(content)
	for off := int64(0); off < rec.Length && rec.small == nil; {
		end := min(s.cfg.Geometry.At(off, true).End, rec.Length)
		s.push(rec, off, append([]byte(nil), content[off:end]...))
		off = end
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overtakenLocked(rec, rec.Generation) {
		s.forgetBodyLocked(rec.Version, "")
		return
	}
	s.installLocked(rec)
}
