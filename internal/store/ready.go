package store

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/fill"
)

// Ready waits until it is certain that the first bytes can be had, so that the head of a response
// may be sent. The error wraps fill.ErrGone if this version's bytes are to be had no more, and the
// record is gone. A reader without a call of it reads on what another reader has begun.
func (r *Reader) Ready(ctx context.Context) error {
	r.choosing = true
	err := r.ready(ctx)
	r.choosing = false
	if err == nil && r.invalidated() {
		err = r.rec.invalidated()
	}
	return err
}

func (r *Reader) ready(ctx context.Context) error {
	if r.atEnd() || r.view != nil || r.follower == nil && r.rec.small != nil && r.viewChunk() {
		return nil
	}
	if r.follower == nil && !r.rec.refetchable() {
		// A fill that can't be repeated has what is yet to come, so it is followed from the first
		// byte on.
		r.look()
		// Chunk by chunk one couldn't be sure of the rest of what another node owns. So a small
		// content is taken as a whole, if the owner holds it all. A larger one is followed, from
		// the first byte on, at the node that has it now, whatever the ring says later.
		if r.follower == nil && !r.atEnd() && r.remote() && r.collect(r.pos, true) {
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
		return r.whole()
	}
	return nil
}

// opened gets at the byte at r.pos, and waits until the body that it comes from is open.
func (r *Reader) opened(ctx context.Context) error {
	for {
		err := r.find(ctx, nil)
		if err != nil || r.follower == nil || r.view != nil {
			return err
		}
		if err = r.follower.Opened(ctx); err == nil || !r.elsewhere(err) {
			return err
		}
	}
}

// whole makes sure that nothing is missing of a body that can't be asked for again and is no longer
// being read.
func (r *Reader) whole() error {
	if r.end < 0 { // its fill failed, or is too far ahead to be joined
		return r.gone(r.look())
	}
	rest := chunk.Span{Start: r.pos + int64(len(r.view)), End: r.end}
	if r.isHere = true; rest.Start >= rest.End || r.collect(rest.Start, true) {
		return nil
	}
	if asked, _ := r.s.foresee(r.rec, rest, false); asked != NotAsked {
		return r.gone(r.look())
	}
	return nil
}

// readyRest makes sure that what comes after what is in view can be had: if the content has become
// another, it must be known before the head is sent. Of what another node owns, the next bytes tell
// enough: more would be held for a client who may be slow.
func (r *Reader) readyRest(ctx context.Context) error {
	end := r.end
	if r.s.cfg.Remote != nil { // the next slab is another node's, perhaps
		end = min(end, r.s.cfg.Geometry.SlabEnd(r.pos))
	}
	from := r.pos + int64(len(r.view))
	if !r.remote() {
		from = r.s.missing(r.rec, from, end)
	}
	if from >= end {
		return nil
	}
	r.rest = new(Reader)
	r.s.Reader(r.rest, r.by, r.rec, from, r.end)
	r.rest.ahead, r.rest.localOnly, r.rest.choosing = r.ahead, r.localOnly, true
	return r.rest.opened(ctx)
}

// Await waits for the first bytes, as long as a head waits for them. So a body that breaks off
// before its first byte is noticed before the head is sent. r must be Ready.
func (r *Reader) Await(ctx context.Context) error {
	if r.view != nil || r.follower == nil || r.atEnd() {
		return nil
	}
	come, err := r.follower.Await(ctx, fill.HeadWait)
	if come {
		r.comes(r.pos + 1)
	}
	if errors.Is(err, ErrRefused) { // Next looks elsewhere
		return nil
	}
	return err
}

// Held reports whether this node's memory has all that r is to read, and takes it. If ask is set,
// what it lacks of a content that isn't large may be in the memory of the nodes that own it. It is
// called before anything is read. Nobody is asked to fetch.
func (r *Reader) Held(ask bool) bool {
	if r.atEnd() {
		return true
	}
	if r.end < 0 {
		return false
	}
	c := r.s.cfg.Geometry.At(r.pos, r.rec.OneSlab)
	b, ok := r.s.cached(r.rec, c, r.uses())
	if !ok && ask && r.end-r.pos <= r.s.cfg.Geometry.Max { // else it wouldn't be enough
		b, ok = r.chunk(c)
	}
	if !ok || r.pos-c.Start >= int64(len(b)) {
		return false
	}
	r.show(b[r.pos-c.Start:])
	if from := r.pos + int64(len(r.view)); from < r.end {
		return r.collect(from, ask) && !r.removed
	}
	size := c.End - c.Start
	return !r.removed && (size <= r.s.rooms.small || r.pin(size))
}

// AppendHeld appends to b all that r, which is Held, is to read.
func (r *Reader) AppendHeld(b [][]byte) [][]byte {
	if r.view == nil {
		return b
	}
	return append(append(b, r.view), r.views...)
}
