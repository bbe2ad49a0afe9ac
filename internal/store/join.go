package store

import "github.com/scurrycache/scurry/internal/fill"

// wanted is what a follower wants of the fills of a content. If it wants a fill that is behind, it
// has the bytes from the chunks group, and keeps the fill going.
type wanted struct {
	fill.Wanted
	who       Cause
	localOnly bool // of a fill that doesn't depend on another node
}

// joinLocked follows a fill that has the byte at w.Off of rec, or will have it soon. If there is
// none, the follower is nil.
func (s *Store) joinLocked(rec *Record, w wanted) (*fill.Follower, *run) {
	for _, run := range s.runsLocked(rec) {
		tooFar := w.Off-run.Span().Pos >= s.maxGap() && rec.refetchable() && !s.undivided(rec)
		switch {
		case w.localOnly && run.relays() || tooFar:
		case rec.Length < 0 && run.end >= 0: // its end would be taken for the content's
		default:
			if f := run.follow(w); f != nil {
				return f, run
			}
		}
	}
	return nil, nil
}

// follow has a follower that wants w join r. It returns nil if r doesn't have the byte at w.Off.
func (r *run) follow(w wanted) *fill.Follower {
	w.Who, w.Ahead = w.who, r.s.aheadOf(r.relay, w.Ahead)
	if w.who != r.by.Cause {
		r.shared.Store(true)
	}
	return r.Follow(w.Wanted)
}

// cutLocked has the other fills of rec's bytes end at off, where next begins. One that reads the
// answer to a plain GET ends only if next's body is open: a request that the origin refuses mustn't
// end it.
func (s *Store) cutLocked(rec *Record, next *run, off int64, open bool) {
	if s.undivided(rec) {
		return
	}
	for _, earlier := range s.runsLocked(rec) {
		// what an owner sends ends where it hands over
		if earlier != next && !earlier.relays() && (open || !earlier.plain) {
			earlier.Cut(off)
		}
	}
}

// share is how many pushed bytes each of the fills that are reading may hold: none if it isn't even
// a chunk.
func (s *Store) share() int64 {
	share := s.cfg.Memory / shareShare / max(1, s.live.Load())
	if share < s.cfg.Geometry.Max {
		return 0
	}
	return share
}

// aheadOf is how far ahead of a reader a fill is to read that isn't kept if it reads where r does:
// what nobody has read by then is dropped, and would have to be sent again.
func (s *Store) aheadOf(r *relay, ahead int64) int64 {
	if !r.active() {
		return ahead
	}
	return min(ahead, s.maxGap(), r.room)
}

// ahead is how far ahead of its fastest reader a fill may be.
func (s *Store) ahead() int64 {
	least, most := s.maxGap(), s.cfg.Memory
	if s.chunks.Full() && !s.crowded() {
		least = s.cfg.Geometry.Max
		_, most = s.chunks.Trial()
	}
	return min(s.cfg.Geometry.Slab, max(least, most/aheadShare/max(1, s.live.Load())))
}

// crowded reports whether probation has too little room for the fills that are reading: what they
// push would be evicted there before their readers have come to it. What has been read meanwhile
// takes as much room as what hasn't.
func (s *Store) crowded() bool {
	_, trial := s.chunks.Trial()
	return s.lead.Load() > trial/aheadShare
}

// lead is how many bytes r may be ahead of its readers, at the least: of a chunk that r has pushed.
func (r *run) lead() int64 {
	switch {
	case r.relay != nil: // it isn't kept
		return 0
	case r.rec.Length >= 0:
		return min(r.rec.Length, r.s.cfg.Geometry.Max)
	}
	return r.s.cfg.Geometry.Max
}
