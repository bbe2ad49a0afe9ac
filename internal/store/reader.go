package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/fill"
)

// Reader reads a part of a stored response's content: from the chunks group where it has the chunk,
// else from a fill, byte by byte as the bytes come. It is used by one goroutine and must be closed.
type Reader struct {
	s         *Store
	by        Fields // of the request that it reads for
	rec       *Record
	start     int64
	pos, end  int64 // end is -1 while the length is unknown
	ahead     int64
	follower  *fill.Follower
	run       *run     // that the follower follows, or followed last
	had       int64    // up to where the fill had the content when r joined it
	view      []byte   // fetched but not yet handed out
	localOnly bool     // only what doesn't depend on other nodes will do
	views     [][]byte // to be handed out after view
	rest      *Reader  // of what comes after a fragment in view
	pins      pins     // on what has been handed out last
	kept      pins     // on views
	copied    []byte   // to hand out, if nothing can be pinned
	origin    bool     // some bytes came from the origin while they were read
	attached  bool     // a fill has been looked for that has had the byte at start
	// how often another node was to be asked, since the origin refuses to give parts
	refused   int
	peer      string     // the node by way of which some came
	before    bool       // the origin had been asked for by before r was made
	asked     Asked      // so far, of others
	word      *link      // that knows more
	sent      []*relayed // because of r, and left before the end
	shares    bool       // the fill was begun for others
	choosing  bool       // Ready hasn't returned: another version may be sent yet
	removed   bool       // another node has said so of the bytes, which this one didn't know
	takesOver bool       // it begins a slab for those who come from the one before
}

// ReaderFrom makes r read the content [start, end) of a's record, or to its end if end is -1. It
// takes over what a holds.
func (s *Store) ReaderFrom(r *Reader, by Fields, res *Result, start, end int64) {
	s.Reader(r, by, res.Record, start, end)
	switch {
	case res.follower == nil:
	case start == 0:
		r.follower, r.run, res.follower = res.follower, res.run, nil
		r.follower.Stop(r.stop())
	default:
		if !res.Record.refetchable() {
			r.look() // before a lets go of a body that goes when nobody follows it
		}
		res.follower.Close() // so that the body doesn't wait for a reader that reads elsewhere
		res.follower = nil
	}
}

// Reader makes r read the content [start, end) of rec, or to its end if end is -1. What it has to
// ask the origin for it asks for with the fields of by.
func (s *Store) Reader(r *Reader, by Fields, rec *Record, start, end int64) {
	if end < 0 {
		end = rec.Length
	}
	*r = Reader{
		s: s, by: by, before: by.Noted(), rec: rec,
		start: start, pos: start, end: end, ahead: s.maxGap(),
	}
	r.pins.room, r.kept.room = &s.rooms.sending[0], &s.rooms.sending[0]
	if start == 0 && end == rec.Length {
		r.ahead = fill.Everything // for a reader of all of it whole slabs are fetched
	}
}

// setLocalOnly makes r read for a peer: what doesn't depend on other nodes.
func (r *Reader) setLocalOnly() {
	r.localOnly = true
	r.pins.room, r.kept.room = &r.s.rooms.sending[1], &r.s.rooms.sending[1]
}

// Source tells where the bytes came from so far: "origin" if some came from there while they were
// read, else "peer" if some came from another node, else "memory".
func (r *Reader) Source() string {
	switch {
	case r.origin:
		return "origin"
	case r.peer != "":
		return "peer"
	}
	return "memory"
}

// comes notes where the bytes before end come from, which the fill has that r follows.
func (r *Reader) comes(end int64) {
	if via := r.run.via(); via.active() {
		r.peer = via.name()
	} else if end > r.had {
		r.origin = true
	}
}

// Peer is the name of the node by way of which some bytes came, or are about to; "" if there is
// none.
func (r *Reader) Peer() string {
	if via := r.run.via(); r.peer == "" && via.active() {
		return via.name()
	}
	return r.peer
}

// Ready waits until it is certain that the first bytes can be had, so that the head of a response
// may be sent. The error wraps fill.ErrGone if this version's bytes are to be had no more, and the
// record is gone. A reader without a call of it reads on what another reader has begun.
func (r *Reader) Ready(ctx context.Context) error {
	r.choosing = true
	err := r.ready(ctx)
	r.choosing = false
	if err == nil && r.invalidated() {
		err = r.invalid()
	}
	return err
}

// invalidated reports whether a node that was asked for the bytes has said that they have been
// removed. This node didn't know that when it chose the record.
func (r *Reader) invalidated() bool { return r.removed || r.run.via().invalidated() }

func (r *Reader) invalid() error {
	return fmt.Errorf("%s: invalidated: %w", r.rec.Key, fill.ErrGone)
}

func (r *Reader) ready(ctx context.Context) error {
	if r.atEnd() || r.view != nil || r.follower == nil && r.viewSmall() {
		return nil
	}
	if r.follower == nil && !r.rec.refetchable() {
		// A fill that can't be repeated has what is yet to come, so it is followed from the first
		// byte on.
		r.look()
		if r.follower == nil && !r.atEnd() && r.collectSmall(ctx) {
			return nil
		}
	}
	if err := r.opened(ctx); err != nil {
		return err
	}
	switch {
	case r.rec.Fragments:
		return r.readyRest(ctx)
	case r.follower != nil:
		return nil
	case !r.rec.refetchable() && !r.remote():
		return r.whole(ctx)
	}
	return nil
}

// opened gets at the byte at r.pos, and waits until the body that it comes from is open.
func (r *Reader) opened(ctx context.Context) error {
	for {
		if r.follower == nil && !r.atEnd() {
			if err := r.find(ctx); err != nil {
				return err
			}
		}
		if r.follower == nil || r.view != nil {
			return nil
		}
		err := r.follower.Opened(ctx)
		if err == nil || !r.elsewhere(err) {
			return err
		}
		r.leave()
	}
}

// elsewhere reports whether err, of the fill that r follows, means that the bytes are to be looked
// for again.
func (r *Reader) elsewhere(err error) bool {
	if errors.Is(err, fill.ErrBehind) {
		return true
	}
	if errors.Is(err, fill.ErrGone) && r.run.via().invalidated() {
		return !r.choosing // what has begun gets the rest, now that this node knows
	}
	if !errors.Is(err, ErrRefused) || r.localOnly || r.refused == maxRefused {
		return false
	}
	r.refused++
	return true
}

// maxRefused bounds how often a reader looks elsewhere for what the origin has refused to give in
// parts.
const maxRefused = 3

// viewSmall takes the bytes from a record that holds them.
func (r *Reader) viewSmall() bool {
	b, ok := r.s.smallOf(r.rec)
	if ok = ok && r.pos < int64(len(b)); ok {
		r.show(b[r.pos:])
	}
	return ok
}

// collectSmall takes all that is to be read of a small content which another node owns and can't
// ask for again, if that holds it all: chunk by chunk it couldn't be sure of the rest. It reports
// whether it did. A larger content is followed, from the first byte on, at the node that has it
// now, whatever the ring says later.
func (r *Reader) collectSmall(ctx context.Context) bool {
	if r.end < 0 || r.end-r.pos > r.s.cfg.Geometry.Max || !r.remote() || !r.kept.pin(r.end-r.pos) {
		return false
	}
	start, all := r.pos, [][]byte(nil)
	for !r.atEnd() {
		if !r.fetchChunk(ctx) {
			r.pos = start
			r.kept.unpin()
			return false
		}
		all = append(all, r.view)
		r.pos += int64(len(r.view))
		r.view = nil
	}
	r.pos, r.view, r.views = start, all[0], all[1:]
	return true
}

// whole makes sure that nothing is missing of a body that can't be asked for again and is no longer
// being read.
func (r *Reader) whole(ctx context.Context) error {
	if r.end < 0 { // its fill failed, or is too far ahead to be joined
		return r.gone(r.look())
	}
	rest := chunk.Span{Start: r.pos + int64(len(r.view)), End: r.end}
	if rest.Start >= rest.End || r.s.knownHeld(r.rec, rest) || r.collect(ctx, rest.Start) {
		return nil
	}
	since := r.s.chunks.Mark()
	for off := rest.Start; off < rest.End; {
		c := r.s.cfg.Geometry.At(off, r.rec.OneSlab)
		if _, ok := r.s.cached(r.rec, c); !ok {
			return r.gone(r.look())
		}
		off = c.End
	}
	r.s.noteHeld(r.rec, rest, since)
	return nil
}

// Next returns the next bytes, at least one; they are immutable. It waits for them, after a call of
// wait if that isn't nil. At the end the error is io.EOF.
func (r *Reader) Next(ctx context.Context, wait func()) ([]byte, error) {
	r.pins.unpin()
	for {
		if r.view != nil {
			return r.handOut(), nil
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
		b, err := r.follower.Next(ctx, wait, r.limit)
		if errors.Is(err, fill.ErrBehind) && r.viewChunk(ctx) {
			continue // the fill goes on for this reader all the same
		}
		if err == nil {
			r.comes(r.pos + int64(len(b)))
			r.pos += int64(len(b))
			return r.loose(b), nil
		}
		if b := r.reading(); b != nil && err != io.EOF {
			r.sent = append(r.sent, b)
		}
		r.leave()
		if err == io.EOF && r.end < 0 {
			return nil, io.EOF // the end of the fill was the end of the content
		}
		if err != io.EOF && !r.elsewhere(err) {
			return nil, err
		}
	}
}

// handOut returns the bytes in view, or as many as may be handed out; others are looked for again.
func (r *Reader) handOut() []byte {
	b := r.view
	if r.view = nil; r.kept.n > 0 {
		if len(r.views) > 0 {
			r.view, r.views = r.views[0], r.views[1:]
		}
	} else {
		b = r.loose(b[:r.limit(len(b))])
	}
	r.advance(int64(len(b)))
	return b
}

// limit pins the chunk at r.pos, of which n bytes are at hand, and returns how many of them may be
// handed out.
func (r *Reader) limit(n int) int {
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	size := c.End - c.Start
	if r.rec.Length >= 0 {
		size = min(size, r.rec.Length-c.Start)
	}
	if small := r.s.rooms.small; size > small && !r.pins.pin(size) {
		return int(min(small, int64(n)))
	}
	return n
}

// loose returns b, or a copy of it if its chunk isn't pinned and may be large.
func (r *Reader) loose(b []byte) []byte {
	if r.pins.n > 0 || int64(len(b)) > r.s.rooms.small {
		return b
	}
	if c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab); c.End-c.Start <= r.s.rooms.small {
		return b
	}
	if r.localOnly { // who sends it keeps it for a while
		return append([]byte(nil), b...)
	}
	r.copied = append(r.copied[:0], b...)
	return r.copied
}

// advance moves r on by n bytes that came from the chunks group.
func (r *Reader) advance(n int64) {
	r.pos += n
	if r.follower != nil {
		r.follower.Skip(n)
	} else if !r.attached && r.ahead == fill.Everything && !r.atEnd() && r.rec.refetchable() {
		if r.attached = true; r.s.live.Load() == 0 {
			return // without a look at what is under a lock
		}
		r.s.bodies.mu.Lock()
		defer r.s.bodies.mu.Unlock()
		if !r.joinLocked() {
			r.follow(r.s.attachLocked(r.rec, r.wanted()))
		}
	}
}

// wanted is what r wants of a fill.
func (r *Reader) wanted() wanted {
	return wanted{r.by.Cause, r.pos, r.stop(), r.ahead, r.localOnly}
}

// joinLocked has r follow a fill that has the byte at r.pos, if there is one. bodies.mu is held.
func (r *Reader) joinLocked() bool { return r.follow(r.s.joinLocked(r.rec, r.wanted())) }

// follow has r follow f, if ok, which others have begun.
func (r *Reader) follow(f *fill.Follower, via *run, ok bool) bool {
	if ok {
		r.follower, r.run = f, via
		r.follows(via)
	}
	return ok
}

// Trailer returns the trailer fields of the content, once r has read it to its end. They are not to
// be changed.
func (r *Reader) Trailer() http.Header {
	if trailer := r.cameWith(); trailer != nil {
		return trailer
	}
	if now := r.s.current(r.rec); now != nil {
		return now.Trailer
	}
	return r.rec.Trailer
}

// cameWith is the trailer that the fill which r has followed last has brought by now.
func (r *Reader) cameWith() http.Header {
	if r.run == nil {
		return nil
	}
	r.s.bodies.mu.Lock()
	defer r.s.bodies.mu.Unlock()
	return r.run.came
}

// Close lets go of the fill that r follows. It may be called more than once.
func (r *Reader) Close() {
	if r.rest != nil {
		r.rest.Close()
		r.rest = nil
	}
	r.pins.unpin()
	r.kept.unpin()
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

// atEnd reports whether nothing is left to be read, as far as the end is known.
func (r *Reader) atEnd() bool { return r.end >= 0 && r.pos >= r.end }

// find gets at the byte at r.pos: it sets view or follower, unless it learns that r is at its end.
// It looks again as long as things change meanwhile, and after a few times no more.
func (r *Reader) find(ctx context.Context) error {
	for patience := 3; ; patience-- {
		if done, err := r.tryFind(ctx, patience > 0); done || err != nil {
			return err
		}
	}
}

// tryFind is one attempt of find. It isn't done if all is to be looked at again, as far as that may
// be.
func (r *Reader) tryFind(ctx context.Context, mayLookAgain bool) (done bool, err error) {
	if r.handsOver() || r.viewChunk(ctx) {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if r.choosing && r.invalidated() {
		return false, r.invalid()
	}
	begun := r.look()
	if r.follower != nil && r.localOnly && r.rec.refetchable() && !r.run.Reads(r.pos) {
		if err := r.s.rooms.wait(ctx, true); err != nil {
			r.leave()
			return false, err // the fill waits for room, or will have to
		}
	}
	switch {
	case r.follower != nil || r.atEnd() || r.handsOver():
		return true, nil
	case r.remote():
		err := r.beginRelay(begun, mayLookAgain)
		return r.follower != nil, err
	case r.viewChunk(ctx): // the fill that had it may have ended just now, having pushed it
		return true, nil
	case !r.rec.refetchable():
		return false, r.gone(begun)
	}
	return r.ask(ctx, begun, mayLookAgain)
}

// ask begins a fill at the origin, of the byte at r.pos and what is missing after it.
func (r *Reader) ask(ctx context.Context, begun int64, mayLookAgain bool) (done bool, err error) {
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	if r.rec.Fragments && r.s.ownerOf(r.rec.Key) == "" { // what is before may be held in one
		c.Start = r.pos
	}
	end := r.s.reach(ctx, r.rec, c.Start, false)
	if end <= c.Start {
		if mayLookAgain {
			return false, nil // it has been pushed just now
		}
		end = min(c.End, r.rec.Length) // and is evicted each time
	}
	if r.s.keepsWhole(r.rec) {
		c.Start = 0 // it can only be had from there on, and is worth keeping
	}
	if end-c.Start > r.s.rooms.small {
		if err := r.s.rooms.wait(ctx, r.localOnly); err != nil {
			return false, err
		}
	}
	err = r.begin(c.Start, end, begun, mayLookAgain)
	return r.follower != nil, err
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
func (r *Reader) viewChunk(ctx context.Context) bool {
	if !r.rec.refetchable() && r.remote() {
		return false // see collectSmall
	}
	return r.fetchChunk(ctx)
}

func (r *Reader) fetchChunk(ctx context.Context) bool {
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.chunk(c)
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return r.fetchFragment(ctx)
	}
	r.show(b[r.pos-c.Start:])
	return true
}

// chunk returns the chunk c, which holds the byte at r.pos, if this node holds it, or its owner.
func (r *Reader) chunk(c chunk.Chunk) ([]byte, bool) {
	s := r.s
	if !r.remote() || c.Slab > 0 && s.undivided(r.rec) { // else the wrong node would be asked
		return s.cached(r.rec, c)
	}
	if b, ok := s.smallOf(r.rec); ok {
		return b, c.ID == firstChunk
	}
	o := &chunkOwner{store: s, node: s.slabOwner(r.rec, c.Start), rec: r.rec}
	b, err := s.chunks.Get(s.base, s.chunkKey(r.rec, c.ID), o)
	if r.removed = r.removed || o.removed; o.sent {
		r.peer = o.node
	}
	return b, err == nil && r.rec.fills(c, b)
}

// chunkOwner is a node that owns a chunk.
type chunkOwner struct {
	store   *Store
	node    string // "" if that is this node by now
	rec     *Record
	sent    bool // it held the chunk
	removed bool // it has said that the bytes have been removed, which this node didn't know
}

// Fetch is chunks.Owner's.
func (o *chunkOwner) Fetch(_ context.Context, key string) ([]byte, error) {
	if o.node == "" {
		return nil, ErrNotCached
	}
	// The store's context, since others may wait for this, too. The owner answers at once.
	known := o.store.Position()
	b, err := o.store.cfg.Remote.Chunk(o.store.base, o.node, key[len(o.store.prefix):], known)
	o.removed = o.store.removed(err, o.rec, known)
	o.sent = err == nil
	return b, err
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
	if r.joinLocked() {
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

// begin starts a fill of [start, end) at the origin and follows it; or another that has the byte by
// now. It does nothing, so that all is looked at again, if it may and things have changed since begun
// was noted.
func (r *Reader) begin(start, end, begun int64, mayLookAgain bool) error {
	return r.beginFrom(source{by: r.by, beyond: r.takesOver}, start, end, begun, mayLookAgain)
}

// beginRelay is begin for what another node owns.
func (r *Reader) beginRelay(begun int64, mayLookAgain bool) error {
	s := r.s
	start := s.cfg.Geometry.At(r.pos, r.rec.OneSlab).Start
	end := r.rec.Length
	if r.rec.Fragments { // the owner may have just what is wanted, and no more
		start, end = r.pos, min(end, r.end)
	}
	return r.beginFrom(source{by: r.by, relay: &relay{
		link: &link{}, s: s, rec: r.rec, whole: r.ahead == fill.Everything,
	}}, start, end, begun, mayLookAgain)
}

func (r *Reader) beginFrom(from source, start, end, begun int64, mayLookAgain bool) error {
	s := r.s
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	if r.joinLocked() {
		return nil
	}
	if mayLookAgain && (s.begunLocked(r.rec) != begun ||
		(from.relay == nil && s.passedLocked(r.rec, r.pos))) {
		return nil
	}
	if !s.begin() {
		return context.Canceled
	}
	r.begins(from.relay.where())
	run := s.runLocked(r.rec, from, start, end, start)
	r.run = run
	r.follower, _ = run.FollowFor(r.by.Cause, r.pos, r.stop(),
		s.aheadOf(from.relay.where(), r.ahead))
	ctx, cancel := context.WithCancel(s.base)
	run.Start(ctx, cancel)
	return nil
}

// gone removes the record of a body that has a gap at r.pos and can't be asked for again: it would
// lead others to the same gap. If a fill has begun since begun was noted, everything is to be
// looked at again instead.
func (r *Reader) gone(begun int64) error {
	r.s.bodies.mu.Lock()
	now := r.s.begunLocked(r.rec)
	r.s.bodies.mu.Unlock()
	if now != begun {
		return nil
	}
	r.s.drop(r.rec)
	return fill.ErrGone
}
