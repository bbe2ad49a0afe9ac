package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/fill"
)

// relay is where a fill of what another node owns reads: there, where the bytes are read from the
// origin at this moment or held. Once no owner can be had it reads from the origin, and what it
// reads is then kept. It is used by its fill's goroutine, but for what is atomic.
type relay struct {
	s       *Store
	rec     *Record
	whole   bool // all of the content will be wanted
	origin  atomic.Bool
	from    atomic.Pointer[string]          // the owner that it read from last
	sake    func(off int64) (Fields, int64) // of the fill: what the bytes from off on are asked for with, and up to where
	run     *run                            // the fill
	begun   bool                            // some bytes may have come
	verdict error                           // of an owner: there is no use in trying again
	trailer http.Header                     // that came with the content's end
	reads   atomic.Pointer[relayed]         // what it reads
	expects atomic.Int32                    // Asked, as the owner expects of what it sends now
	told    atomic.Int64                    // up to where
	past    atomic.Int32                    // Asked, of what came before
}

// relays reports whether r depends on another node.
func (r *run) relays() bool { return r.relay.active() }

func (r *relay) active() bool { return r != nil && !r.origin.Load() }

// name is that of the node that r reads from.
func (r *relay) name() string {
	if owner := r.from.Load(); owner != nil {
		return *owner
	}
	return ""
}

// arrange makes a fill one that reads where r does.
func (r *relay) arrange(cfg *fill.Config) {
	cfg.Transient, cfg.Exact = r.active, r.active
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
		cfg.Share = func() int64 { return r.s.aheadOf(r, fill.Everything) + 2*r.part() }
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
			if at := r.s.cfg.Geometry.At(off, r.rec.OneSlab); !r.active() && off == at.Start && off+int64(len(b)) == next(off) {
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

// owners is how many owners are tried, one after the other, as the ring changes, before the origin
// is.
const owners = 3

// open opens the bytes [off, end) where they are to be had.
func (r *relay) open(ctx context.Context, off, end int64) (fill.Opened, error) {
	if r.verdict != nil {
		return fill.Opened{}, fmt.Errorf("%w: %w", fill.ErrFinal, r.verdict)
	}
	for range owners {
		owner := r.s.slabOwner(r.rec, off)
		if owner == "" || r.origin.Load() || (r.begun && !r.rec.refetchable()) {
			break // nobody but the origin has what comes next of a body that was lost
		}
		opened, err := r.follow(ctx, owner, off, end)
		switch {
		case err == nil:
			return opened, nil
		case ctx.Err() != nil:
			return fill.Opened{}, context.Cause(ctx)
		case errors.Is(err, ErrRefused):
			r.s.refusals.heard(r.s.keyPrefixOf(r.rec)) // now it is the first slab's owner who is to be asked
		case IsVerdict(err):
			return fill.Opened{}, fmt.Errorf("%w: %w", fill.ErrFinal, err)
		case r.s.slabOwner(r.rec, off) == owner: // it won't, and nobody else is in its place
			r.origin.Store(true)
		}
	}
	r.origin.Store(true)
	if !r.rec.refetchable() && !r.rec.Resumable {
		return fill.Opened{}, fmt.Errorf("%s: the node that read it from the origin is lost: %w", r.rec.Key, fill.ErrGone)
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
		end = min(end, max(stop, off+1)) // what nobody will want, the owner isn't to read; more can be asked for
	}
	got, err := r.s.cfg.Remote.Read(ctx, owner, &ReadRequest{
		Key: r.rec.Key, Record: r.rec, By: by, Off: off, End: end,
		Whole: r.whole, Undivided: r.s.undivided(r.rec), Window: r.s.rooms.window(),
	})
	if err != nil {
		return fill.Opened{}, err
	}
	r.heard(got.Foreseen, min(end, r.s.slabEnd(r.rec, off)))
	r.from.Store(&owner)
	r.begun = true
	body := r.reading(&relayed{Content: got.Content, cause: by.Cause, pos: off, end: end})
	return fill.Opened{Body: body, End: bodyEnd(end), Length: got.Length}, nil
}

// relayed is the bytes that an owner sends.
type relayed struct {
	Content
	relay    *relay
	cause    Cause // that they were asked for
	pos, end int64 // end is -1 for the content's end; pos belongs to the fill's goroutine
	settled  sync.Once
}

// reading makes b what r reads.
func (r *relay) reading(b *relayed) *relayed {
	b.relay = r
	r.reads.Store(b)
	return b
}

func (b *relayed) Read(p []byte) (int, error) {
	n, err := b.Content.Read(p)
	if b.pos += int64(n); err == io.EOF {
		b.settle()
	}
	if IsVerdict(err) {
		b.relay.verdict = err
	}
	return n, err
}

// Close waits for what the owner says at the end, if all before that has come.
func (b *relayed) Close() error {
	if b.end >= 0 && b.pos >= b.end {
		b.settle()
	}
	return b.Content.Close()
}

// settle takes in what the owner says at the end, which it waits for.
func (b *relayed) settle() {
	b.settled.Do(func() {
		trailer, asked, complete := b.End()
		if complete {
			b.relay.trailer = trailer
		}
		if asked >= AskedForThis {
			b.cause.Note()
		}
		b.relay.past.Store(max(b.relay.past.Load(), int32(min(asked, AskedForOthers))))
		b.relay.expects.Store(int32(NotAsked))
	})
}

// word is what the owner that r reads from says of the origin.
func (r *relay) word() Asked {
	if r.origin.Load() {
		return AskedForOthers
	}
	return Asked(max(r.past.Load(), r.expects.Load()))
}

// heard takes in what an owner expects of the bytes before end.
func (r *relay) heard(asked Asked, end int64) {
	r.told.Store(max(end, r.told.Load()))
	r.expects.Store(int32(min(asked, AskedForThis)))
}
