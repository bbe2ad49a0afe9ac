package store

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// Reader reads a part of a stored response's content: from the chunks group where it has the chunk, else from a fill,
// byte by byte as the bytes come. It is used by one goroutine and must be closed.
type Reader struct {
	s        *Store
	rec      *Record
	pos, end int64 // end is -1 while the length is unknown
	ahead    int64
	follower *fill.Follower
	run      *run     // that the follower follows, or followed last
	view     []byte   // fetched but not yet handed out
	here     bool     // only what doesn't depend on other nodes will do
	views    [][]byte // to be handed out after view
	rest     *Reader  // of what comes after a piece in view
	partial  bool     // of a content in pieces, some wasn't held
	origin   bool     // some bytes came from the origin while they were read
	peer     string   // the node by way of which some came
}

// ReaderFrom makes r read the content [start, end) of a's record, or to its end if end is -1. It takes over what a holds.
func (s *Store) ReaderFrom(r *Reader, a *Answer, start, end int64) {
	s.Reader(r, a.Record, start, end)
	switch {
	case a.follower == nil:
	case start == 0:
		r.follower, r.run, a.follower = a.follower, a.run, nil
		r.follower.Stop(r.stop())
	default:
		if !a.Record.refetchable() {
			r.look() // before a lets go of a body that goes when nobody follows it
		}
		a.follower.Close() // lest the body wait for a reader who reads elsewhere
		a.follower = nil
	}
}

// Reader makes r read the content [start, end) of rec, or to its end if end is -1.
func (s *Store) Reader(r *Reader, rec *Record, start, end int64) {
	if end < 0 {
		end = rec.Length
	}
	*r = Reader{s: s, rec: rec, pos: start, end: end, ahead: s.far()}
	if start == 0 && end == rec.Length {
		r.ahead = fill.Everything // whoever reads all of it gets whole slabs fetched
	}
}

// Source tells where the bytes came from so far: "origin" if some came from there while they were read, else "peer" if some
// came from another node, else "memory".
func (r *Reader) Source() string {
	switch {
	case r.origin:
		return "origin"
	case r.peer != "":
		return "peer"
	}
	return "memory"
}

// Peer is the name of the node by way of which some bytes came, or are about to; "" if there is none.
func (r *Reader) Peer() string {
	if via := r.run.via(); r.peer == "" && via.active() {
		return via.name()
	}
	return r.peer
}

// Ready waits until it is certain that the first bytes can be had, so that the head of a response may be sent. The
// error wraps fill.ErrGone if this version's bytes are to be had no more, and the record is gone.
func (r *Reader) Ready(ctx context.Context) error {
	if r.atEnd() || r.view != nil || r.follower == nil && r.viewSmall() {
		return nil
	}
	if r.follower == nil && !r.rec.refetchable() {
		// A fill that can't be repeated has what is yet to come, so it is followed from the first byte on.
		r.look()
		if r.follower == nil && !r.atEnd() && r.gather(ctx) {
			return nil
		}
	}
	if r.follower == nil && !r.atEnd() {
		if err := r.find(ctx); err != nil {
			return err
		}
	}
	if r.follower != nil {
		if err := r.follower.Opened(ctx); err != nil {
			return err
		}
	}
	switch {
	case r.rec.Pieces:
		return r.readyRest(ctx)
	case r.follower != nil:
		return nil
	case !r.rec.refetchable() && !r.afar():
		return r.whole(ctx)
	}
	return nil
}

// viewSmall takes the bytes from a record that holds them.
func (r *Reader) viewSmall() bool {
	b, ok := r.s.smallOf(r.rec)
	if ok = ok && r.pos < int64(len(b)); ok {
		r.show(b[r.pos:])
	}
	return ok
}

// gather takes all that is to be read of a small content which another node owns and can't ask for again, if that holds it
// all: chunk by chunk it couldn't be sure of the rest. It reports whether it did. A larger content is followed, from the first
// byte on, at the node that has it now, whatever the ring says later.
func (r *Reader) gather(ctx context.Context) bool {
	if r.end < 0 || r.end-r.pos > r.s.cfg.Geometry.Max || !r.afar() {
		return false
	}
	start, all := r.pos, [][]byte(nil)
	for !r.atEnd() {
		if !r.fetchChunk(ctx) {
			r.pos = start
			return false
		}
		all = append(all, r.view)
		r.pos += int64(len(r.view))
		r.view = nil
	}
	r.pos, r.view, r.views = start, all[0], all[1:]
	return true
}

// whole makes sure that nothing is missing of a body that can't be asked for again and is no longer being read.
func (r *Reader) whole(ctx context.Context) error {
	if r.end < 0 { // its fill failed, or is too far ahead to be joined
		return r.gone(r.look())
	}
	for off := r.pos; off < r.end; {
		c := r.s.cfg.Geometry.At(off, r.rec.OneSlab)
		if _, ok := r.s.held(ctx, r.rec, c); !ok {
			return r.gone(r.look())
		}
		off = c.End
	}
	return nil
}

// Next returns the next bytes, at least one; they are immutable. It waits for them, after a call of wait if that isn't
// nil. At the end the error is io.EOF.
func (r *Reader) Next(ctx context.Context, wait func()) ([]byte, error) {
	for {
		if r.view != nil {
			b := r.view
			if r.view = nil; len(r.views) > 0 {
				r.view, r.views = r.views[0], r.views[1:]
			}
			r.pos += int64(len(b))
			return b, nil
		}
		if r.atEnd() {
			return nil, io.EOF
		}
		if r.follower == nil && r.takeRest() {
			continue
		}
		if r.follower == nil {
			if err := r.find(ctx); err != nil {
				return nil, err
			}
			continue
		}
		b, err := r.follower.Next(ctx, wait)
		if err == nil {
			if via := r.run.via(); via.active() {
				r.peer = via.name()
			} else {
				r.origin = true
			}
			r.pos += int64(len(b))
			return b, nil
		}
		r.leave()
		if err == io.EOF && r.end < 0 {
			return nil, io.EOF // the end of the fill was the end of the content
		}
		if err != io.EOF && !errors.Is(err, fill.ErrBehind) {
			return nil, err
		}
	}
}

// Trailer returns the trailer fields of the content, once r has read it to its end. They are not to be changed.
func (r *Reader) Trailer() http.Header {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.run != nil && r.run.came != nil {
		return r.run.came
	}
	if now := r.s.currentLocked(r.rec); now != nil {
		return now.Trailer
	}
	return r.rec.Trailer
}

// Close lets go of the fill that r follows. It may be called more than once.
func (r *Reader) Close() {
	if r.rest != nil {
		r.rest.Close()
		r.rest = nil
	}
	r.leave()
}

// leave lets go of the fill that r follows, but not of what is to come after it.
func (r *Reader) leave() {
	if r.follower != nil {
		r.follower.Close()
		r.follower = nil
	}
}

func (r *Reader) stop() int64 {
	if r.end < 0 {
		return fill.Everything
	}
	return r.end
}

// atEnd tells whether nothing is left to be read, as far as the end is known.
func (r *Reader) atEnd() bool { return r.end >= 0 && r.pos >= r.end }

// find gets at the byte at r.pos: it sets view or follower, unless it learns that r is at its end.
func (r *Reader) find(ctx context.Context) error {
	if r.viewChunk(ctx) {
		return nil
	}
	for patience := 3; ; patience-- {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		begun := r.look()
		if r.follower != nil || r.atEnd() {
			return nil
		}
		if r.afar() {
			if err := r.beginRelay(begun, patience > 0); err != nil || r.follower != nil {
				return err
			}
			continue
		}
		// The fill that had it may have ended just now, having pushed it.
		if r.viewChunk(ctx) {
			return nil
		}
		if !r.rec.refetchable() {
			if err := r.gone(begun); err != nil {
				return err
			}
			continue
		}
		c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
		if r.rec.Pieces { // what is before may be held in one
			c.Start = r.pos
		}
		end := r.s.reach(ctx, r.rec, c.Start)
		if end <= c.Start {
			if patience > 0 {
				continue // it has been pushed just now
			}
			end = min(c.End, r.rec.Length) // and is evicted each time
		}
		if err := r.begin(c.Start, end, begun, patience > 0); err != nil {
			return err
		}
		r.partial = r.rec.Pieces
		if r.follower != nil {
			return nil
		}
	}
}

// afar tells whether another node owns the byte at r.pos, and is to be asked for it.
func (r *Reader) afar() bool { return !r.here && r.s.slabOwner(r.rec, r.pos) != nil }

// viewChunk takes the bytes from the chunks group if they are there, or on their owner.
func (r *Reader) viewChunk(ctx context.Context) bool {
	if !r.rec.refetchable() && r.afar() {
		return false // see gather
	}
	return r.fetchChunk(ctx)
}

func (r *Reader) fetchChunk(ctx context.Context) bool {
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	var ask *chunkAsk
	if r.afar() {
		ask = &chunkAsk{Context: ctx, afar: true}
		ctx = ask
	}
	b, ok := r.s.held(ctx, r.rec, c)
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return r.fetchPiece(ctx)
	}
	if ask != nil && ask.peer != "" {
		r.peer = ask.peer
	}
	r.show(b[r.pos-c.Start:])
	return true
}

// show puts b, which begins at r.pos, in view.
func (r *Reader) show(b []byte) {
	if r.end >= 0 && int64(len(b)) > r.end-r.pos {
		b = b[:r.end-r.pos]
	}
	r.view = b
}

// look follows a fill that has the byte at r.pos, if there is one, and learns the end if it has become known. It returns
// what tells one state of this version's fills from another: it changes with each that begins.
func (r *Reader) look() (begun int64) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if f, via, ok := r.s.joinLocked(r.rec, r.pos, r.stop(), r.ahead, r.here); ok {
		r.follower, r.run, r.view = f, via, nil // the follower begins with the bytes in view
		return 0
	}
	if r.end < 0 {
		if now := r.s.currentLocked(r.rec); now != nil && now.Length >= 0 {
			r.rec, r.end = now, now.Length
		}
	}
	return r.s.begunLocked(r.rec)
}

// begin starts a fill of [start, end) and follows it; or another that has the byte by now. It does nothing, so that all
// is looked at again, if it may and things have changed since begun was noted.
func (r *Reader) begin(start, end, begun int64, mayLookAgain bool) error {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.beginLocked(source{}, start, end, begun, mayLookAgain)
}

// beginRelay is begin for what another node owns.
func (r *Reader) beginRelay(begun int64, mayLookAgain bool) error {
	s := r.s
	start := s.cfg.Geometry.At(r.pos, r.rec.OneSlab).Start
	end := s.relayEnd(r.rec, start)
	if r.rec.Pieces { // the owner may have just what is wanted, and no more
		start, end = r.pos, min(end, r.end)
	}
	from := source{relay: &relay{s: s, rec: r.rec, whole: r.ahead == fill.Everything}}
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.beginLocked(from, start, end, begun, mayLookAgain)
}

func (r *Reader) beginLocked(from source, start, end, begun int64, mayLookAgain bool) error {
	s := r.s
	if f, via, ok := s.joinLocked(r.rec, r.pos, r.stop(), r.ahead, r.here); ok {
		r.follower, r.run = f, via
		return nil
	}
	if mayLookAgain && (s.begunLocked(r.rec) != begun || (from.relay == nil && s.passedLocked(r.rec, r.pos))) {
		return nil
	}
	if !s.beginLocked() {
		return context.Canceled
	}
	run := s.runLocked(r.rec, from, start, end, start)
	r.run = run
	r.follower, _ = run.Follow(r.pos, r.stop(), s.aheadOf(from.relay, r.ahead))
	ctx, cancel := context.WithCancel(s.base)
	run.Start(ctx, cancel)
	return nil
}

// gone removes the record of a body that has a gap at r.pos and can't be asked for again: it would lead others to the
// same gap. If a fill has begun since begun was noted, everything is to be looked at again instead.
func (r *Reader) gone(begun int64) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.begunLocked(r.rec) != begun {
		return nil
	}
	r.s.dropLocked(r.rec)
	return fill.ErrGone
}
