package store

import (
	"context"
	"hash/maphash"
	"net/http"
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/fill"
)

// body is what this node knows of the bytes of one version: the fills that are reading it and what
// they have pushed. It is guarded by the store's mu.
type body struct {
	runs   []*run
	tail   []byte // the last bytes of a content whose length isn't known, if they may be all
	pushed spans
	pieces []span // held in the chunks group, or were: parts of chunks that came as parts of the content
	probed spans  // where it was seen what the chunks group still has from before
	found  found  // that the chunks group has
}

var firstChunk = chunk.ID{}

func (s *Store) bodyLocked(version string) *body {
	b, ok := s.bodies[version]
	if !ok {
		b = &body{}
		s.bodies[version] = b
	}
	return b
}

// forgetBodyLocked drops what is known of a version whose record is gone, unless the record that
// takes its place has the same, or a fill is still reading it.
func (s *Store) forgetBodyLocked(version, successor string) {
	if b, ok := s.bodies[version]; ok && version != successor && len(b.runs) == 0 {
		delete(s.bodies, version)
	}
}

// tidyLocked drops what is known of the bytes of rec's version, once no fill reads it, if little
// work finds it out again.
func (s *Store) tidyLocked(rec *Record) {
	now := s.currentLocked(rec)
	if now == nil {
		s.forgetBodyLocked(rec.Version, "")
	} else if now.Length >= 0 && now.Length <= s.cfg.Geometry.Max && !now.Fragments {
		s.forgetBodyLocked(rec.Version, "")
	}
}

// begunLocked tells one state of the fills of rec's version from another: it changes with each that
// begins.
func (s *Store) begunLocked(rec *Record) int64 { return *s.begunAt(rec) }

func (s *Store) begunAt(rec *Record) *int64 {
	return &s.begun[maphash.String(s.seed, rec.Version)%uint64(len(s.begun))]
}

// run is a fill that is reading, and where it reads.
type run struct {
	*fill.Run
	plain   bool               // its body answers a plain GET
	by      Fields             // of the request that it reads for
	relay   *relay             // nil if it reads from the origin only
	trailer func() http.Header // that came after the body, once that is at its end; nil if there can't be any
	came    http.Header        // what trailer returned; set before followers see the end
}

// via is what r reads from, if that isn't the origin; r may be nil.
func (r *run) via() *relay {
	if r == nil {
		return nil
	}
	return r.relay
}

// joinLocked follows a fill that has the byte at off of rec, or will have it soon. If localOnly, it
// is one that doesn't depend on another node.
func (s *Store) joinLocked(rec *Record, who Cause, off, stop, ahead int64, here bool) (
	f *fill.Follower, via *run, ok bool,
) {
	b, ok := s.bodies[rec.Version]
	if !ok {
		return nil, nil, false
	}
	for _, run := range b.runs {
		if here && run.relays() {
			continue
		}
		span := run.Span()
		if rec.Length < 0 && !run.Unbounded() {
			continue // its end would be taken for the content's
		}
		if !span.Holds(off) || (off-span.Pos >= s.maxGap() && rec.refetchable() && !s.undivided(rec)) {
			continue
		}
		if f, ok := run.FollowFor(who, off, stop, s.aheadOf(run.relay, ahead)); ok {
			return f, run, true
		}
	}
	return nil, nil, false
}

// attachLocked has a reader at off, whose bytes are in the chunks group, keep a fill going that has
// had them.
func (s *Store) attachLocked(rec *Record, who Cause, off, stop, ahead int64, here bool) (
	f *fill.Follower, via *run, ok bool,
) {
	b, ok := s.bodies[rec.Version]
	if !ok {
		return nil, nil, false
	}
	for _, run := range b.runs {
		if here && run.relays() {
			continue
		}
		if f, ok := run.Attach(who, off, stop, s.aheadOf(run.relay, ahead)); ok {
			return f, run, true
		}
	}
	return nil, nil, false
}

// Streams reports whether rec's content is too large to be kept, since it couldn't be asked for
// again. Then each client gets it from the origin.
func (s *Store) Streams(rec *Record) bool {
	return !rec.refetchable() && rec.Length > s.cfg.Memory/holdShare
}

// passedLocked reports whether a fill that is still reading has had the byte at off and dropped it:
// then it is pushed.
func (s *Store) passedLocked(rec *Record, off int64) bool {
	b, ok := s.bodies[rec.Version]
	return ok && slices.ContainsFunc(b.runs, func(run *run) bool {
		return !run.relays() && run.Starts() <= off && off < run.Span().Base
	})
}

// readsLocked reports whether another fill than next is reading the chunk with rec's byte at off,
// or has read and still holds it.
func (s *Store) readsLocked(rec *Record, next *run, off int64) bool {
	b, ok := s.bodies[rec.Version]
	return ok && slices.ContainsFunc(b.runs, func(run *run) bool { return run != next && !run.relays() && run.Reads(off) })
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
	return min(ahead, s.maxGap(), s.rooms.share())
}

// maxGap is how many bytes ahead of a fill a reader may be to wait for it rather than start a fill
// of its own.
func (s *Store) maxGap() int64 { return window * s.cfg.Geometry.Max }

// cached returns the chunk c of rec if this node holds it.
func (s *Store) cached(rec *Record, c chunk.Chunk) ([]byte, bool) {
	if b, ok := s.smallOf(rec); ok {
		return b, c.ID == firstChunk
	}
	b, ok := s.chunks.Peek(s.chunkKey(rec, c.ID))
	return b, ok && rec.fills(c, b)
}

// fills reports whether b, as far as its length tells, is the chunk c of r.
func (r *Record) fills(c chunk.Chunk, b []byte) bool {
	return r.Length < 0 || int64(len(b)) == min(c.End, r.Length)-c.Start
}

// reach returns where a fill of rec that starts at off ends, so that it doesn't fetch what is here
// already: at the end of the slab, at the next fill, or at the next chunk that the chunks group
// still has. One that reads the answer to a plain GET doesn't end at a fill whose body isn't open,
// and may be refused.
func (s *Store) reach(ctx context.Context, rec *Record, off int64, plain bool) int64 {
	if !rec.refetchable() {
		return rec.Length
	}
	end := rec.Length
	if !rec.OneSlab {
		end = min(end, s.cfg.Geometry.SlabEnd(off))
	}
	if s.undivided(rec) {
		return end // a body that is at its origin is of more use than what is here of what comes after it
	}
	s.probe(ctx, rec, off, end)
	for {
		s.mu.Lock()
		b := s.bodyLocked(rec.Version)
		for _, run := range b.runs {
			if at := run.Starts(); at >= off && !run.relays() && (!plain || run.IsOpen()) {
				end = min(end, at)
			}
		}
		at := b.pushed.next(off, end)
		s.mu.Unlock()
		if at < 0 {
			return end
		}
		c := s.cfg.Geometry.At(at, rec.OneSlab)
		if _, ok := s.cached(rec, c); ok {
			return c.Start
		}
		s.mu.Lock() // evicted
		b.pushed = b.pushed.remove(c.Start, c.End)
		s.mu.Unlock()
	}
}

// probe notes which chunks of [off, end) the chunks group has from a time whose record has been
// evicted. It does so once for each slab, while anything is known of the version.
func (s *Store) probe(ctx context.Context, rec *Record, off, end int64) {
	s.mu.Lock()
	b := s.bodyLocked(rec.Version)
	done := b.probed.next(off, off+1) >= 0
	b.probed = b.probed.add(off, max(end, off+1))
	s.mu.Unlock()
	if done {
		return
	}
	for n := s.cfg.Memory / s.cfg.Geometry.First; off < end && n > 0 && ctx.Err() == nil; n-- { // no more can be held
		c := s.cfg.Geometry.At(off, rec.OneSlab)
		if _, ok := s.cached(rec, c); ok {
			s.mu.Lock()
			b.pushed = b.pushed.add(c.Start, min(c.End, rec.Length))
			s.mu.Unlock()
		}
		off = c.End
	}
}

// source is where a fill reads: from body, which is open, and after that, or if it is nil, from the
// origin, with the fields of by, unless relay has something to say about it.
type source struct {
	body    fill.Body
	part    bool // body isn't one that goes to the content's end
	by      Fields
	wanted  bool // it is to be stored although nobody may read it
	beyond  bool // it is opened to the end of the content
	relay   *relay
	trailer func() http.Header
}

// runLocked makes a fill of rec's bytes [off, end). It must be started.
func (s *Store) runLocked(rec *Record, from source, off, end int64, want int64) *run {
	g := s.cfg.Geometry
	r := &run{relay: from.relay, trailer: from.trailer, by: from.by}
	cfg := fill.Config{
		Start: off, End: end, Want: want, Body: from.body,
		Next:  func(off int64) int64 { return g.At(off, rec.OneSlab).End },
		Push:  func(off int64, b []byte) { s.push(rec, off, b) },
		Hold:  holdChunks * g.Max,
		Share: s.share,
		Idle:  func() time.Duration { return idle * idleFills / time.Duration(max(idleFills, s.live.Load())) },
	}
	if rec.Resumable || rec.refetchable() {
		cfg.Open = (&opener{s: s, rec: rec, sake: r.sake, run: r}).open
	}
	if !from.wanted || rec.refetchable() { // else the part of it that was read would be of no use
		cfg.Alone, cfg.Brief, cfg.Awaited = alone, brief, from.beyond
	}
	if rec.refetchable() {
		cfg.Spare, cfg.Take, cfg.Give = s.rooms.spare, s.rooms.take, s.rooms.filling.give
		cfg.Ahead = s.ahead
		if atBorder := end == rec.Length || end%g.Slab == 0; atBorder && !rec.OneSlab && !rec.Fragments && !from.part {
			cfg.Margin, cfg.Beyond = s.maxGap(), from.beyond
			cfg.Extend = func(ctx context.Context, end int64) int64 { return s.extend(ctx, r, rec, end) }
		}
	}
	if !rec.refetchable() {
		cfg.Want = fill.Everything
		cfg.Spare, cfg.Take, cfg.Give = calmly, nil, nil
		cfg.Pinned, cfg.Hold, cfg.Free = true, s.cfg.Memory/holdShare, s.rooms.small
		cfg.Part = func(off int64) int64 { return min(off+s.rooms.small, cfg.Next(off)) } // once it isn't kept
		cfg.Reserve, cfg.Release = s.pin, s.unpin
		cfg.Overflow = func() { s.overflowed(rec) }
	}
	if from.relay != nil {
		from.relay.arrange(&cfg)
	}
	if from.relay != nil {
		r.trailer = func() http.Header { return from.relay.trailer }
	}
	cfg.Done = func(end int64, err error) { s.ended(rec, r, end, err) }
	r.Run = fill.New(cfg)
	if from.relay != nil {
		from.relay.sake, from.relay.run = r.sake, r
		s.rooms.relays.Add(1)
	}
	b := s.bodyLocked(rec.Version)
	r.plain = from.body != nil && !from.part && from.relay == nil
	s.cutLocked(rec, r, off, from.body != nil)
	b.runs = append(b.runs, r)
	s.fills++
	*s.begunAt(rec) = s.fills
	s.live.Add(1)
	s.reserveLocked()
	return r
}

// cutLocked has the other fills of rec's bytes end at off, where next begins. One that reads the
// answer to a plain GET ends only if next's body is open: a request that the origin refuses mustn't
// end it.
func (s *Store) cutLocked(rec *Record, next *run, off int64, open bool) {
	if s.undivided(rec) {
		return
	}
	for _, earlier := range s.bodyLocked(rec.Version).runs {
		if earlier != next && !earlier.relays() && (open || !earlier.plain) { // what an owner sends ends where it hands over
			earlier.Cut(off)
		}
	}
}

// ahead is how far ahead of its fastest reader a fill may be.
func (s *Store) ahead() int64 {
	return min(s.cfg.Geometry.Slab, max(s.maxGap(), s.cfg.Memory/aheadShare/max(1, s.live.Load())))
}

// pin takes n bytes of what all fills together may hold for their followers.
func (s *Store) pin(n int64) bool {
	if s.pinned.Add(n) > s.cfg.Memory/pinShare {
		s.pinned.Add(-n)
		return false
	}
	return true
}

func (s *Store) unpin(n int64) { s.pinned.Add(-n) }

// push has a finished chunk held from now on.
func (s *Store) push(rec *Record, off int64, b []byte) {
	if s.pushSmall(rec, off, b) {
		return
	}
	c := s.cfg.Geometry.At(off, rec.OneSlab)
	key, whole := s.chunkKey(rec, c.ID), true
	if end := off + int64(len(b)); off > c.Start || end < min(c.End, rec.Length) { // of a length that isn't known, the last chunk may end anywhere
		key, whole = s.fragmentKey(rec, span{off, end}), false
	}
	s.chunks.Put(key, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ageLocked(int64(len(b)))
	body := s.bodyLocked(rec.Version)
	if whole {
		body.pushed = body.pushed.add(off, off+int64(len(b)))
		body.pieces = slices.DeleteFunc(body.pieces, func(sp span) bool { return c.Start <= sp.start && sp.end <= c.End })
	} else if sp := (span{off, off + int64(len(b))}); len(body.pieces) < maxFragments && !slices.Contains(body.pieces, sp) {
		body.pieces = append(body.pieces, sp)
	}
}

// overflowed is told that a body grows too large to be kept: nobody can join it any more.
func (s *Store) overflowed(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(rec)
}

// ended takes a fill out of the table. In the same step the record learns the length, if it was the
// end of the body that told it, or goes, if the fill failed.
func (s *Store) ended(rec *Record, ran *run, end int64, err error) {
	defer s.work.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.Add(-1)
	s.reserveLocked()
	if ran.relay != nil {
		s.rooms.relays.Add(-1)
	}
	b := s.bodyLocked(rec.Version)
	// Nothing of a run may stay: it has the bytes it read, in and out of the chunks group.
	if b.runs = slices.DeleteFunc(b.runs, func(r *run) bool { return r == ran }); len(b.runs) == 0 {
		b.runs = nil
	}
	if err == nil && ran.trailer != nil {
		ran.came = ran.trailer()
	}
	defer s.tidyLocked(rec)
	switch now := s.currentLocked(rec); {
	case now == nil:
	case ends(err):
	case err != nil:
		s.dropLocked(rec)
	case now.Length < 0 && rec.Length < 0:
		s.lengthLearntLocked(rec, b, end, ran.came)
	}
}

// lengthLearntLocked gives all variants that have rec's bytes, of which b is known, the length that
// the end of the body has told, and its trailer.
func (s *Store) lengthLearntLocked(rec *Record, b *body, length int64, trailer http.Header) {
	var content *[]byte
	if int64(len(b.tail)) == length {
		content = smallContent(b.tail)
	}
	s.changeLocked(rec, func(r *Record) { r.Trailer, r.Length, r.small = trailer, length, content })
}
