package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// relay is where a fill of what another node owns reads: there, where the bytes are read from the
// origin at this moment or held. Once no owner can be had it reads from the origin, and what it
// reads is then kept. It is used by its fill's goroutine.
type relay struct {
	*link
	s     *Store
	rec   *Record
	whole bool // all of the content will be wanted
	// of the fill: what the bytes from off on are asked for with, and up to where
	sake  func(off int64) (Fields, int64)
	run   *run // the fill
	begun bool // some bytes may have come
}

// where is r's link; nil if r is nil.
func (r *relay) where() *link {
	if r == nil {
		return nil
	}
	return r.link
}

// arrange makes a fill one that reads where r does.
func (r *relay) arrange(cfg *fill.Config) {
	cfg.Transient = r.active
	cfg.Open = r.open
	cfg.Extend = nil // what the owner sends goes on as far as the owner's own fill does
	cfg.Stops = func(pos int64) bool {
		return r.s.handsOver(r.rec, pos) ||
			r.rec.refetchable() && !r.rec.OneSlab && r.s.slabOwner(r.rec, pos) != r.name()
	}
	cfg.Spare, cfg.Take, cfg.Give = calmly, nil, nil
	next := cfg.Next
	if !cfg.Pinned { // what the readers have yet to read stays
		cfg.Hold = r.s.maxGap() + 2*r.s.cfg.Geometry.Max
		cfg.Share = func() int64 { return r.s.aheadOf(r.link, fill.Everything) + 2*r.part() }
		cfg.Part = func(off int64) int64 {
			if !r.active() && off == r.s.cfg.Geometry.At(off, r.rec.OneSlab).Start {
				return next(off) // to be kept
			}
			return min(off+r.part(), next(off))
		}
		cfg.Next = func(off int64) int64 {
			if r.active() {
				return (off/r.s.rooms.small + 1) * r.s.rooms.small
			}
			return next(off)
		}
	}
	if push := cfg.Push; push != nil {
		cfg.Push = func(off int64, b []byte) {
			if at := r.s.cfg.Geometry.At(off, r.rec.OneSlab); !r.active() && off == at.Start &&
				off+int64(len(b)) == next(off) {
				push(off, b)
			} else {
				r.s.pushSmall(r.rec, off, b) // into the near copy, for as long as that is kept
			}
		}
	}
}

// part is how many bytes r reads into one fragment of memory.
func (r *relay) part() int64 {
	return max(r.s.rooms.small, min(r.s.cfg.Geometry.Max, r.s.rooms.share()/4))
}

// owners is how often an owner is asked, as the ring changes, before the origin is.
const owners = 3

// open opens the bytes [off, end) where they are to be had.
func (r *relay) open(ctx context.Context, off, end int64) (fill.Opened, error) {
	if r.verdict != nil {
		return fill.Opened{}, fmt.Errorf("%w: %w", fill.ErrFinal, r.verdict)
	}
	for tries := 0; tries < owners; {
		owner, known := r.s.slabOwner(r.rec, off), r.s.Position()
		if owner == "" || r.origin.Load() || (r.begun && !r.rec.refetchable()) {
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
		case IsVerdict(err):
			return fill.Opened{}, fmt.Errorf("%w: %w", fill.ErrFinal, err)
		case r.s.slabOwner(r.rec, off) == owner: // it won't, and nobody else is in its place
			r.origin.Store(true)
		}
	}
	r.origin.Store(true)
	if !r.rec.refetchable() && !r.rec.Resumable {
		return fill.Opened{}, fmt.Errorf("%s: the node that read it from the origin is lost: %w",
			r.rec.Key, fill.ErrGone)
	}
	if r.rec.refetchable() && !r.rec.OneSlab {
		end = min(end, r.s.cfg.Geometry.SlabEnd(off))
	}
	return (&opener{s: r.s, rec: r.rec, sake: r.sake, all: true, run: r.run}).open(ctx, off, end)
}

// follow asks owner for the bytes [off, end) as they come.
func (r *relay) follow(ctx context.Context, owner string, off, end int64) (fill.Opened, error) {
	by, stop := r.sake(off)
	if r.rec.refetchable() {
		// what nobody will want, the owner isn't to read; more can be asked for
		end = min(end, max(stop, off+1))
	}
	known := r.s.Position()
	got, err := r.s.cfg.Remote.Read(ctx, owner, &ReadRequest{
		Key: r.rec.Key, Record: r.rec, By: by, Off: off, End: end,
		Whole: r.whole, Undivided: r.s.undivided(r.rec), Window: r.s.rooms.window(),
		Position: known,
	})
	if r.s.removed(err, r.rec, known) {
		r.removed.Store(true)
		if !r.begun { // what has begun is asked for again
			err = fmt.Errorf("%s: invalidated: %w", r.rec.Key, fill.ErrGone)
		}
	}
	if err != nil {
		return fill.Opened{}, err
	}
	r.heard(got.Foreseen, min(end, r.s.slabEnd(r.rec, off)))
	r.from.Store(&owner)
	r.begun = true
	body := r.reading(&relayed{Content: got.Content, cause: by.Cause, pos: off, end: end})
	return fill.Opened{Body: body, End: bodyEnd(end), Length: got.Length}, nil
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
