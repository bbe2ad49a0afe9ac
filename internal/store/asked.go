package store

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/trace"
)

// askHeldTimeout bounds the wait for another node's answer to what it holds. It knows that at once.
const askHeldTimeout = 100 * time.Millisecond

// follows notes that r follows a fill that was begun for others, and whether what r wants of it is
// yet to come.
func (r *Reader) follows(f *run) {
	span, wanted := f.Span(), bodyEnd(r.end)
	if span.End >= 0 {
		wanted = min(wanted, span.End)
	}
	r.asked, r.word, r.shares, r.had = r.shared(false), nil, true, span.Pos
	switch {
	case span.Pos >= wanted:
	case f.relay != nil:
		r.word = f.relay
	default:
		r.asked = AskedForOthers
	}
}

// begins notes that a fill begins for r. The fill reads from via, or from the origin if via is nil.
func (r *Reader) begins(via *relay) {
	r.asked, r.word, r.shares, r.had = r.shared(false), via, false, 0
}

// Asked reports whether the origin was asked for some of what r has read or is about to read, as
// far as that is known by now.
func (r *Reader) Asked() Asked {
	if r.by.Noted() && !r.before {
		return AskedForThis
	}
	return r.shared(false)
}

// Shared is the span of the request that the fill which r follows was begun for, or nil.
func (r *Reader) Shared() *trace.Span {
	if r.run == nil {
		return nil
	}
	return r.run.by.Span
}

// shared is Asked without what the origin was asked because of this reader. If foreseen is set, it
// is also what the owner that r reads from expects to ask the origin for because of r.
func (r *Reader) shared(foreseen bool) Asked {
	asked := r.asked
	if r.word != nil {
		said, _ := r.word.word()
		if r.shares || !foreseen {
			said = min(said, AskedForOthers)
		}
		asked = max(asked, said)
	}
	if r.rest != nil {
		asked = max(asked, r.rest.shared(foreseen))
	}
	return asked
}

// Settle waits until the owners that have sent bytes because of r have said what they asked the
// origin for. It calls wait before it waits. From then on Asked is final for what r has read.
func (r *Reader) Settle(ctx context.Context, wait func()) {
	if b := r.reading(); b != nil {
		r.sent = append(r.sent, b)
	}
	for _, b := range r.sent {
		if !b.Over() && wait != nil {
			wait()
			wait = nil
		}
		// what r hasn't read of it waits for others, who may be slow
		over := b.Over() || b.came()
		if !over && b.OriginAsked(ctx) { // it goes on for others
			b.cause.Note()
		}
		if over || b.Over() { // it may have ended just now
			b.settle()
		}
	}
	r.sent = nil
}

// reading is what an owner sends because of r, if r has been following that.
func (r *Reader) reading() *relayed {
	if r.run == nil || r.run.relay == nil {
		return nil
	}
	b := r.run.relay.reads.Load()
	if b == nil || b.cause != r.by.Fields().Cause {
		return nil
	}
	return b
}

// Foresee returns what Asked will return at r's end if nothing is evicted meanwhile. r must be
// Ready. Foresee doesn't wait for the origin. If another node doesn't answer, its bytes count as
// bytes that the origin is to be asked for.
func (r *Reader) Foresee(ctx context.Context) Asked {
	asked, from, end := max(r.Asked(), r.shared(true)), r.pos+int64(len(r.view)), r.end
	if r.localOnly && end > 0 { // the others speak for themselves
		end = min(end, r.s.slabEnd(r.rec, r.pos))
	}
	for _, view := range r.views {
		from += int64(len(view))
	}
	switch {
	case asked == AskedForThis || end >= 0 && from >= end:
		return asked
	case !r.rec.refetchable(): // Ready has seen to it
		return asked
	case r.collect(from, false):
		return asked
	}
	here, missing := r.s.foresee(r.rec, chunk.Span{Start: from, End: end}, !r.localOnly)
	if asked = max(asked, here); asked == AskedForThis || missing == nil {
		return asked
	}
	return max(asked, r.s.foreseeElsewhere(ctx, r.rec, missing))
}

// ladder is how many chunks a content of the largest chunk's size has, unless chunks begin smaller
// than usual.
const ladder = 6

// collect takes what is to be read from off on, which comes after what is in view, if that is small
// and this node holds all of it, or the owner does if that may be asked. So no chunk is looked up
// twice.
func (r *Reader) collect(off int64, ask bool) bool {
	if r.follower != nil || r.rest != nil || r.end < 0 || r.end-r.pos > r.s.cfg.Geometry.Max ||
		!r.pin(r.end-r.pos) {
		return false
	}
	if r.views == nil {
		r.views = r.few[:0]
	}
	for off < r.end {
		c := r.s.cfg.Geometry.At(off, r.rec.OneSlab)
		b, ok := r.s.cached(r.rec, c, r.uses())
		if !ok && ask {
			b, ok = r.chunk(c)
		}
		if !ok || off-c.Start >= int64(len(b)) {
			r.views = nil
			r.unpin()
			return false
		}
		b = b[off-c.Start : min(int64(len(b)), r.end-c.Start)]
		r.views = append(r.views, b)
		off += int64(len(b))
	}
	if r.view == nil {
		r.view, r.views = r.views[0], r.views[1:]
	}
	r.kept = true
	return true
}

// foresee reports whether the origin is asked for some of rec's bytes in sp. If others is set, the
// owners of slabs may be asked: then missing is what this node lacks of them, by owner. Bytes that
// this node owns and lacks are to be had from the origin only.
func (s *Store) foresee(rec *Record, sp chunk.Span, others bool) (
	asked Asked, missing map[string][]chunk.Span,
) {
	if s.knownHeld(rec, sp) {
		return NotAsked, nil
	}
	since, held := s.chunks.Mark(), true
	for off := sp.Start; off < sp.End; {
		next, coming := s.filling(rec, off)
		switch {
		case next > off:
			asked, held = max(asked, coming), false
		default:
			next = s.heldUpTo(rec, off, true) // which has all of it in main
		}
		if next <= off {
			next = sp.End
			if !rec.OneSlab {
				next = min(next, s.cfg.Geometry.SlabEnd(off))
			}
			owner := ""
			if others {
				owner = s.slabOwner(rec, off)
			}
			if owner == "" {
				return AskedForThis, nil
			}
			if held = false; missing == nil {
				missing = map[string][]chunk.Span{}
			}
			missing[owner] = append(missing[owner], chunk.Span{Start: off, End: next})
		}
		off = next
	}
	if held {
		s.noteHeld(rec, sp, since)
	}
	return asked, missing
}

// filling returns the offset up to which a fill has rec's bytes from off on, or will have them.
func (s *Store) filling(rec *Record, off int64) (next int64, asked Asked) {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	for _, run := range s.runsLocked(rec) {
		at := run.Span()
		if off < at.Base || off >= at.End {
			continue
		}
		switch {
		case off < at.Pos:
			return at.Pos, NotAsked
		case at.More: // it is read on for those who follow it
			return s.ownUpTo(rec, at.End), AskedForOthers
		case run.relay == nil:
			return at.End, AskedForOthers
		}
		switch said, told := run.relay.word(); {
		case said != NotAsked:
			return min(at.End, s.slabEnd(rec, off)), AskedForOthers
		case off < told:
			return min(at.End, told), NotAsked
		}
	}
	return off, NotAsked
}

// foreseeElsewhere asks each owner about what this node lacks of its slabs.
func (s *Store) foreseeElsewhere(ctx context.Context, rec *Record,
	missing map[string][]chunk.Span) (asked Asked) {
	ctx, cancel := context.WithTimeout(ctx, askHeldTimeout)
	defer cancel()
	said := make(chan Asked, len(missing))
	for owner, parts := range missing {
		go func() {
			asked := AskedForThis
			b, err := s.cfg.Remote.Ask(ctx, owner, &ForeseeRequest{rec, parts})
			if err == nil && len(b) == 1 {
				asked = min(Asked(b[0]), asked)
			}
			said <- asked
		}()
	}
	for range missing {
		asked = max(asked, <-said)
	}
	return asked
}
