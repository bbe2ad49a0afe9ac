package store

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// Reader reads a part of a stored response's content: from the chunks group where it has the chunk,
// else from a fill, byte by byte as the bytes come. It is used by one goroutine and must be closed.
type Reader struct {
	s        *Store
	by       Client // that it reads for
	rec      *Record
	start    int64
	pos, end int64 // end is -1 while the length is unknown
	ahead    int64
	follower *fill.Follower
	run      *run   // that the follower follows, or followed last
	had      int64  // up to where the fill had the content when r joined it
	view     []byte // fetched but not yet handed out
	// this node has all of what can't be asked for again, even if another owns it by now
	isHere    bool
	localOnly bool           // it is for a peer: only what doesn't depend on other nodes will do
	views     [][]byte       // to be handed out after view
	few       [ladder][]byte // where views begin, so that most hits need no list
	rest      *Reader        // of what comes after a fragment in view
	pinned    int64          // bytes of room for sending, for what was handed out last
	kept      bool           // the room is also for what is yet to be handed out
	copies    bool           // there is no room, so a copy is handed out
	copied    []byte         // the last copy
	origin    bool           // some bytes came from the origin while they were read
	attached  bool           // a fill has been looked for that has had the byte at start
	// how often another node was to be asked, since the origin refuses to give parts
	refused   int
	peer      string     // the node by way of which some came
	before    bool       // the origin had been asked for by before r was made
	asked     Asked      // so far, of others
	word      *relay     // that knows more
	sent      []*relayed // because of r, and left before the end
	shares    bool       // the fill was begun for others
	choosing  bool       // Ready hasn't returned: another version may be sent yet
	removed   bool       // another node has said so of the bytes, which this one didn't know
	takesOver bool       // it begins a slab for those who come from the one before
	given     []byte     // the first chunk, if it came with the record
	chunkwise bool       // it gets chunk by chunk what another node holds
}

// ReaderFrom makes r read the content [start, end) of a's record, or to its end if end is -1. It
// takes over what a holds.
func (s *Store) ReaderFrom(r *Reader, by Client, res *Result, start, end int64) {
	s.Reader(r, by, res.Record, start, end)
	r.Give(res.Chunk)
	res.Chunk = nil
	switch {
	case res.follower == nil:
	case start == 0:
		r.follower, r.run, res.follower = res.follower, res.run, nil
		r.follower.Stop(bodyEnd(end))
	default:
		if !res.Record.refetchable() {
			r.look() // before a lets go of a body that goes when nobody follows it
		}
		res.Close() // so that the body doesn't wait for a reader that reads elsewhere
	}
}

// Reader makes r read the content [start, end) of rec, or to its end if end is -1. What it has to
// ask the origin for it asks for because of by.
func (s *Store) Reader(r *Reader, by Client, rec *Record, start, end int64) {
	if end < 0 {
		end = rec.Length
	}
	*r = Reader{
		s: s, by: by, before: by.Noted(), rec: rec,
		start: start, pos: start, end: end, ahead: s.maxGap(),
	}
	if start == 0 && end == rec.Length {
		r.ahead = fill.Everything // for a reader of all of it whole slabs are fetched
		r.chunkwise = r.large() && rand.IntN(perChunkwise) == 0
	}
}

// Give gives r the first chunk of the content, if that isn't nil, so that no node is asked for it.
func (r *Reader) Give(chunk []byte) { r.given = chunk }

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

// Drives reports whether others who want the same may wait for what r reads: the fill that r
// follows is read in its place. Then r must be released before its goroutine waits for anything but
// r, as for a client who is slow.
func (r *Reader) Drives() bool { return r.follower != nil && r.follower.Drives() }

// Release has the fill read by a goroutine of its own. It may be called during Next's call of wait.
func (r *Reader) Release() {
	if r.follower != nil {
		r.follower.Release()
	}
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

// Next returns the next bytes, at least one, which are the caller's to read until it calls Next or
// Close; if r is for a peer, they are immutable. Next waits for them, after a call of wait if that
// isn't nil. At the end the error is io.EOF.
func (r *Reader) Next(ctx context.Context, wait func()) ([]byte, error) {
	if !r.kept {
		r.unpin()
	}
	for {
		err := r.find(ctx, wait)
		switch {
		case err != nil:
			return nil, err
		case r.view != nil:
			return r.handOut(), nil
		case r.atEnd():
			return nil, io.EOF
		}
		b, err := r.follower.Next(ctx, wait, r.limit)
		switch {
		case err == nil:
			r.pos += int64(len(b))
			r.comes(r.pos)
			return r.loose(b), nil
		case errors.Is(err, fill.ErrBehind) && r.viewChunk():
			// the fill goes on for this reader all the same
		case !r.elsewhere(err):
			return nil, err
		}
	}
}

// handOut returns the bytes in view, or as many as may be handed out; others are looked for again.
func (r *Reader) handOut() []byte {
	b := r.view
	if r.view = nil; r.kept {
		if len(r.views) > 0 {
			r.view, r.views = r.views[0], r.views[1:]
		}
	} else {
		b = r.loose(b[:r.allow(len(b), r.chunkSize())])
	}
	r.advance(int64(len(b)))
	return b
}

// limit is allow for bytes that a fill has. A relay doesn't keep the whole chunk.
func (r *Reader) limit(n int) int {
	size := r.chunkSize()
	if via := r.run.via(); via.active() {
		size = min(size, via.part())
	}
	return r.allow(n, size)
}

// chunkSize is that of the chunk at r.pos.
func (r *Reader) chunkSize() int64 {
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	if r.rec.Length >= 0 {
		return min(c.End, r.rec.Length) - c.Start
	}
	return c.End - c.Start
}

// allow pins size bytes of memory, of which n are at hand, and returns how many of those may be
// handed out.
func (r *Reader) allow(n int, size int64) int {
	small := r.s.rooms.small
	if r.copies = size > small && !r.pin(size); r.copies {
		return int(min(small, int64(n)))
	}
	return n
}

// loose returns b, or a copy of it: if allow has found no room, or if a peer would be sent what is
// lent.
func (r *Reader) loose(b []byte) []byte {
	lent := r.follower != nil && r.follower.Lent()
	switch {
	case !r.copies && !(lent && r.localOnly):
		return b
	case r.localOnly: // who sends it keeps it for a while
		return append([]byte(nil), b...)
	}
	r.copied = append(r.copied[:0], b...)
	return r.copied
}

// pin takes room for sending n bytes, if there is some.
func (r *Reader) pin(n int64) bool {
	ok := r.sending().take(n)
	if ok {
		r.pinned += n
	}
	return ok
}

// unpin gives back the room of what isn't sent from any more.
func (r *Reader) unpin() {
	if r.pinned > 0 {
		r.sending().give(r.pinned)
	}
	r.pinned, r.kept = 0, false
}

// sending is the room for what r sends.
func (r *Reader) sending() *budget {
	if r.localOnly {
		return &r.s.rooms.sending[1]
	}
	return &r.s.rooms.sending[0]
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
		w := r.wanted()
		w.Behind = true
		r.joinLocked(w)
	}
}

// Trailer returns the trailer fields of the content, once r has read it to its end. They are not to
// be changed.
func (r *Reader) Trailer() http.Header {
	if r.run != nil {
		r.s.bodies.mu.Lock()
		came := r.run.came
		r.s.bodies.mu.Unlock()
		if came != nil {
			return came
		}
	}
	if now := r.s.current(r.rec); now != nil {
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
	r.unpin()
	r.leave()
}

// leave lets go of the fill that r follows, but not of what is to come after it.
func (r *Reader) leave() {
	if r.follower != nil {
		r.follower.Close()
		r.follower = nil
	}
}

// atEnd reports whether nothing is left to be read, as far as the end is known.
func (r *Reader) atEnd() bool { return r.end >= 0 && r.pos >= r.end }

// uses reports whether what r reads from the chunks group hasn't come for r.
func (r *Reader) uses() bool { return r.run == nil }
