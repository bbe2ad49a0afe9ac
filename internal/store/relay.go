package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/scurrycache/scurry/internal/fill"
)

func (r *relay) Transient() bool { return r.active() }

// Lends is fill.Content's: of what an owner holds, only a small content stays here, in its record.
func (r *relay) Lends() bool {
	return r.active() && r.rec.Length > maxSmall
}

func (r *relay) Stops(pos int64) bool {
	atBorder := pos > 0 && pos%r.s.cfg.Geometry.Slab == 0
	return r.rec.refetchable() && !r.rec.OneSlab &&
		(atBorder || r.s.slabOwner(r.rec, pos) != r.name())
}

func (r *relay) Next(off int64) int64 {
	if small := r.s.rooms.small; r.active() && r.rec.refetchable() {
		return (off/small + 1) * small
	}
	return r.run.Next(off)
}

func (r *relay) Part(off int64) int64 {
	if r.active() && r.rec.refetchable() {
		return min(off+r.part(), r.run.Next(off))
	}
	return r.run.Part(off)
}

func (r *relay) Push(off int64, b []byte) {
	at := r.s.cfg.Geometry.At(off, r.rec.OneSlab)
	if !r.active() && off == at.Start && off+int64(len(b)) == at.End {
		r.run.Push(off, b)
	} else {
		r.pushSmall(off, b) // into the near copy, for as long as that is kept
	}
}

// Hold keeps what the readers have yet to read.
func (r *relay) Hold() int64 {
	if !r.rec.refetchable() {
		return r.run.Hold()
	}
	return r.s.aheadOf(r, r.s.maxGap()) + 2*r.part()
}

// part is how many bytes r reads into one fragment of memory.
func (r *relay) part() int64 {
	return max(r.s.rooms.small, min(r.s.cfg.Geometry.Max, r.room/2))
}

// owners is how often an owner is asked, as the ring changes, before the origin is.
const owners = 3

// Open opens the bytes [off, end) where they are to be had.
func (r *relay) Open(ctx context.Context, off, end int64) (fill.Opened, error) {
	for tries := 0; tries < owners; {
		owner, known := r.s.slabOwner(r.rec, off), r.s.Position()
		if owner == "" || r.origin.Load() || (r.reads.Load() != nil && !r.rec.refetchable()) {
			break // nobody but the origin has what comes next of a body that was lost
		}
		opened, err := r.follow(ctx, owner, off, end)
		if !errors.Is(err, ErrBehind) || r.s.log.Covers(known) {
			tries++ // else this node knows more than before
		}
		switch {
		case err == nil:
			return opened, nil
		case ctx.Err() != nil:
			return fill.Opened{}, context.Cause(ctx)
		case errors.Is(err, ErrRefused):
			// now it is the first slab's owner who is to be asked
			r.s.refusals.heard(r.s.keyPrefixOf(r.rec))
		case errors.Is(err, ErrBehind):
		case isFailure(err):
			return fill.Opened{}, err // it is asked for again if a response has begun
		case IsVerdict(err):
			return fill.Opened{}, refused(err)
		case r.s.slabOwner(r.rec, off) == owner: // it won't, and nobody else is in its place
			r.origin.Store(true)
		}
	}
	r.origin.Store(true)
	if !r.rec.refetchable() && !r.rec.Resumable {
		return fill.Opened{}, fmt.Errorf("%s: the node that read it from the origin is lost: %w",
			r.rec.Key, fill.ErrGone)
	}
	return r.run.Open(ctx, off, min(end, r.s.slabEnd(r.rec, off)))
}

// follow asks owner for the bytes [off, end) as they come.
func (r *relay) follow(ctx context.Context, owner string, off, end int64) (fill.Opened, error) {
	by, stop := r.run.sake(off)
	if r.rec.refetchable() {
		// what nobody will want, the owner isn't to read; more can be asked for
		end = min(end, max(stop, off+1))
	}
	known := r.s.Position()
	got, err := r.s.cfg.Remote.Read(ctx, owner, &ReadRequest{
		Key: r.rec.Key, Record: r.rec, By: by, Off: off, End: end,
		Whole: r.whole, Undivided: r.s.undivided(r.rec), Window: int(r.room),
		Position: known,
	})
	if r.s.removed(err, r.rec, known) {
		r.removed.Store(true)
		if r.reads.Load() == nil { // what has begun is asked for again
			err = r.rec.invalidated()
		}
	}
	if err != nil {
		return fill.Opened{}, err
	}
	b := &relayed{Content: got.Content, owner: owner, cause: by.Cause, end: end,
		told: min(end, r.s.slabEnd(r.rec, off))}
	b.pos.Store(off)
	body := r.reading(b, got.Foreseen)
	return fill.Opened{Body: body, End: bodyEnd(end), Length: got.Length}, nil
}
