package store

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/trace"
)

// find gets at the byte at r.pos: it sets view or follower, unless it learns that r is at its end.
// It looks again as long as things change meanwhile, and after a few times no more. Before it waits
// for room it calls wait, if that isn't nil.
func (r *Reader) find(ctx context.Context, wait func()) error {
	for patience := 3; r.view == nil && r.follower == nil && !r.atEnd(); patience-- {
		if err := r.tryFind(ctx, wait, patience > 0); err != nil {
			return err
		}
	}
	return nil
}

// tryFind is one attempt of find. It may leave all to be looked at again.
func (r *Reader) tryFind(ctx context.Context, wait func(), mayLookAgain bool) error {
	if r.takeRest() || r.handsOver() || r.viewChunk() {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.choosing && r.invalidated() {
		return r.rec.invalidated()
	}
	begun := r.look()
	if r.follower != nil && r.localOnly && r.rec.refetchable() && !r.run.Span().Reads(r.pos) {
		err := r.s.rooms.wait(ctx, 0)
		if err != nil {
			r.leave() // the fill waits for room, or will have to
		}
		return err
	}
	switch {
	case r.follower != nil || r.atEnd():
		return nil
	case r.remote():
		return r.beginRelay(begun, mayLookAgain)
	case r.viewChunk(): // the fill that had it may have ended just now, having pushed it
		return nil
	case !r.rec.refetchable():
		return r.gone(begun)
	}
	return r.ask(ctx, wait, begun, mayLookAgain)
}

// ask begins a fill at the origin, of the byte at r.pos and what is missing after it.
func (r *Reader) ask(ctx context.Context, wait func(), begun int64, mayLookAgain bool) error {
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	if r.rec.Fragments && r.s.ownerOf(r.rec.Key) == "" { // what is before may be held in one
		c.Start = r.pos
	}
	end := r.s.reach(r.rec, c.Start, false)
	if end <= c.Start {
		if mayLookAgain {
			return nil // it has been pushed just now
		}
		end = min(c.End, r.rec.Length) // and is evicted each time
	}
	if r.s.keepsWhole(r.rec) {
		if r.localOnly && r.s.ownerOf(r.rec.Key) != "" {
			return ErrRefused // this node has learnt just now that another one has all of it
		}
		c.Start = 0 // it can only be had from there on, and is worth keeping
	}
	if end-c.Start > r.s.rooms.small {
		if err := r.awaitRoom(ctx, wait); err != nil {
			return err
		}
	}
	from := source{start: c.Start, end: end, by: r.by.Fields(), beyond: r.takesOver}
	return r.begin(from, begun, mayLookAgain)
}

// awaitRoom waits for the room of a chunk. A peer doesn't wait, since it can ask elsewhere, and a
// client is told to come again after some time, unless its response has begun: it would only get a
// part of that.
func (r *Reader) awaitRoom(ctx context.Context, wait func()) error {
	err := r.s.rooms.wait(ctx, 0)
	if err == nil || r.localOnly {
		return err
	}
	if wait != nil {
		wait()
	}
	if r.choosing {
		return r.s.rooms.wait(ctx, waitRoom)
	}
	return r.s.rooms.wait(ctx, math.MaxInt64)
}

// invalidated reports whether a node that was asked for the bytes has said that they have been
// removed. This node didn't know that when it chose the record.
func (r *Reader) invalidated() bool {
	return r.removed || r.run.via().invalidated() || r.rest != nil && r.rest.invalidated()
}

// elsewhere reports whether err, which the fill that r follows has ended with for r, means that the
// bytes are to be looked for again. Then r leaves the fill.
func (r *Reader) elsewhere(err error) bool {
	switch {
	case err == io.EOF && r.end >= 0: // else the end of the fill is that of the content
	case errors.Is(err, fill.ErrBehind):
	case errors.Is(err, fill.ErrGone) && r.run.via().invalidated() && !r.choosing:
		// what has begun gets the rest, now that this node knows
	case errors.Is(err, ErrRefused) && !r.localOnly && r.refused < maxRefused:
		r.refused++
	default:
		return false
	}
	if b := r.reading(); b != nil && err != io.EOF {
		r.sent = append(r.sent, b)
	}
	r.leave()
	return true
}

// maxRefused bounds how often a reader looks elsewhere for what the origin has refused to give in
// parts.
const maxRefused = 3

// wanted is what r wants of a fill.
func (r *Reader) wanted() wanted {
	return wanted{who: r.by.Fields().Cause, localOnly: r.localOnly, Wanted: fill.Wanted{
		Off: r.pos, Stop: bodyEnd(r.end), Ahead: r.ahead, Unbegun: r.choosing,
	}}
}

// joinLocked has r follow a fill that others have begun, if there is one that has what w says.
// bodies.mu is held.
func (r *Reader) joinLocked(w wanted) bool {
	f, via := r.s.joinLocked(r.rec, w)
	if f != nil {
		r.follower, r.run = f, via
		r.follows(via)
	}
	return f != nil
}

// handsOver ends r, which reads for a peer, where it has come into a slab that another node owns:
// even if some of that is here, as the rest isn't to be asked for from here.
func (r *Reader) handsOver() bool {
	over := r.localOnly && r.rec.refetchable() && !r.rec.OneSlab &&
		r.pos >= r.s.cfg.Geometry.SlabEnd(r.start) && r.s.slabOwner(r.rec, r.pos) != ""
	if over {
		r.end = r.pos
	}
	return over
}

// remote reports whether another node owns the byte at r.pos, and is to be asked for it.
func (r *Reader) remote() bool { return !r.localOnly && r.s.slabOwner(r.rec, r.pos) != "" }

// viewChunk takes the bytes from the chunks group if they are there, or on their owner.
func (r *Reader) viewChunk() bool {
	if r.rec.small == nil && !r.rec.refetchable() && !r.isHere && r.remote() {
		return false // see ready
	}
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.chunk(c)
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return r.viewFragment()
	}
	r.show(b[r.pos-c.Start:])
	return true
}

// chunk returns the chunk c, which holds the byte at r.pos, if this node holds it, or its owner.
func (r *Reader) chunk(c chunk.Chunk) ([]byte, bool) {
	s := r.s
	if b, ok := s.smallOf(r.rec); ok {
		return b, c.ID == firstChunk
	}
	owner := s.slabOwner(r.rec, r.pos)
	// of an undivided content, the wrong node would be asked
	if r.localOnly || owner == "" || c.Slab > 0 && s.undivided(r.rec) || r.streams(c) {
		return s.cached(r.rec, c, r.uses())
	}
	o := &chunkOwner{store: s, node: owner, rec: r.rec, span: r.by.Traced()}
	if c.ID != firstChunk {
		r.given = nil // it has been read, and a slow client may take long for the rest
	} else if r.rec.fills(c, r.given) {
		o.given = r.given
	}
	b, err := s.chunks.Get(s.base, s.chunkKey(r.rec, c.ID), o)
	if r.removed = r.removed || o.removed; o.sent {
		r.peer = o.node
	}
	return b, err == nil && r.rec.fills(c, b)
}

// streams reports whether r gets the chunk c from its owner together with what follows, by way of a
// relay, rather than by itself. A relay costs less, its memory is used again, and it takes little
// room where there is little; but nothing of it stays here. So of those who read all of a large
// content, some get chunk by chunk: what is asked for often gets into the hot cache by that.
func (r *Reader) streams(c chunk.Chunk) bool {
	switch size := c.End - c.Start; {
	case !r.rec.refetchable() || size <= r.s.rooms.small:
		return false
	case r.ahead == fill.Everything && r.large() && !r.chunkwise:
		return true
	default: // without room, the chunk would be asked for once for each small piece of it
		return !r.sending().has(size)
	}
}

// large reports whether the content is of more than one chunk of the largest size.
func (r *Reader) large() bool { return r.rec.Length > r.s.cfg.Geometry.Max }

// perChunkwise is how many readers of a large content there are for one that gets chunk by chunk
// what another node holds.
const perChunkwise = 8

// chunkOwner is a node that owns a chunk.
type chunkOwner struct {
	store   *Store
	node    string
	rec     *Record
	span    *trace.Span // of the request that the chunk is for
	given   []byte      // the chunk, if it has come with the record; else nil
	sent    bool        // it held the chunk
	removed bool        // it has said that the bytes have been removed, which this node didn't know
}

// Fetch is chunks.Owner's.
func (o *chunkOwner) Fetch(_ context.Context, key string) ([]byte, error) {
	if o.given != nil {
		o.sent = true
		return o.given, nil
	}
	// Others may wait for this, too, and the owner answers at once.
	ctx, cancel := context.WithTimeout(context.Background(), promptTimeout)
	defer cancel()
	known := o.store.Position()
	q := &ChunkRequest{key[len(o.store.prefix):], known}
	span := o.span.Call("peer chunk")
	b, err := o.store.cfg.Remote.Ask(ctx, o.node, q)
	o.removed = o.store.removed(err, o.rec, known)
	o.sent = err == nil
	endChunk(span, o.node, err)
	return b, err
}

// endChunk ends the span of a request for a chunk, if there is one. That the owner doesn't hold it
// is an answer.
func endChunk(span *trace.Span, node string, err error) {
	if !span.Recorded() {
		return
	}
	outcome := "hit"
	switch {
	case errors.Is(err, ErrNotCached):
		outcome = "miss"
	case err != nil:
		outcome = ""
		span.Fail(FailureKind(err), err)
	}
	span.Set(trace.Attributes{}.Text(trace.Peer, node).Text(trace.Outcome, outcome))
	span.End()
}

// show puts b, which begins at r.pos, in view.
func (r *Reader) show(b []byte) {
	if r.end >= 0 && int64(len(b)) > r.end-r.pos {
		b = b[:r.end-r.pos]
	}
	r.view = b
}

// look follows a fill that has the byte at r.pos, if there is one, and learns the end if it has
// become known. It returns what tells one state of this version's fills from another: it changes
// with each that begins.
func (r *Reader) look() (begun int64) {
	r.s.bodies.mu.Lock()
	defer r.s.bodies.mu.Unlock()
	if r.joinLocked(r.wanted()) {
		r.view = nil // the follower begins with the bytes in view
		return 0
	}
	if r.end < 0 {
		if now := r.s.current(r.rec); now != nil && now.Length >= 0 {
			r.rec, r.end = now, now.Length
		}
	}
	return r.s.begunLocked(r.rec)
}

// beginRelay begins a fill of what another node owns.
func (r *Reader) beginRelay(begun int64, mayLookAgain bool) error {
	from := source{by: r.by.Fields(), relay: &relay{whole: r.ahead == fill.Everything}}
	from.start, from.end = r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab).Start, r.rec.Length
	if r.rec.Fragments { // the owner may have just what is wanted, and no more
		from.start, from.end = r.pos, min(r.rec.Length, r.end)
	}
	return r.begin(from, begun, mayLookAgain)
}

// begin starts a fill and follows it; or another that has the byte by now. It does nothing, so that
// all is looked at again, if it may and things have changed since begun was noted.
func (r *Reader) begin(from source, begun int64, mayLookAgain bool) error {
	s := r.s
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	w := r.wanted()
	if r.joinLocked(w) {
		return nil
	}
	if mayLookAgain && (s.begunLocked(r.rec) != begun || s.passedLocked(r.rec, r.pos)) {
		return nil
	}
	from.want = from.start
	if r.follower, r.run = s.beginLocked(r.rec, from, &w); r.run == nil {
		return context.Canceled
	}
	r.run.Start(r.run.ctx, r.run.cancel)
	r.begins(from.relay)
	return nil
}

// gone removes the record of a body that has a gap at r.pos and can't be asked for again: it would
// lead others to the same gap. If a fill has begun since begun was noted, everything is to be
// looked at again instead.
func (r *Reader) gone(begun int64) error {
	s := r.s
	s.mu.Lock() // no record comes with its fill between the look and the drop
	defer s.mu.Unlock()
	s.bodies.mu.Lock()
	now := s.begunLocked(r.rec)
	s.bodies.mu.Unlock()
	if now != begun {
		return nil
	}
	s.dropLocked(r.rec)
	return fill.ErrGone
}
