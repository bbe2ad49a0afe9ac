package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// open is Open but for what it tells others.
func (r *run) open(ctx context.Context, off, end int64) (fill.Opened, error) {
	if !r.rec.Fragments {
		return r.openOrigin(ctx, off, end)
	}
	if b, ok := r.s.fragmentAt(r.rec, off, false); ok {
		body := io.NopCloser(bytes.NewReader(b))
		return fill.Opened{Body: body, End: off + int64(len(b)), Length: r.rec.Length}, nil
	}
	if end < 0 {
		end = min(r.rec.Length, r.s.cfg.Geometry.SlabEnd(off))
	}
	for _, sp := range r.s.fragments(r.rec) {
		if sp.Start > off {
			end = min(end, sp.Start)
		}
	}
	return r.openOrigin(ctx, off, end)
}

// openOrigin is open for what isn't held.
func (r *run) openOrigin(ctx context.Context, off, end int64) (fill.Opened, error) {
	refusals, resource := &r.s.refusals, r.s.keyPrefixOf(r.rec)
	known, parts := refusals.hold(resource), r.partsOnly(off)
	switch {
	case off == 0 && end < 0 || known && !parts:
		return r.skip(ctx, off)
	case known:
		return fill.Opened{}, refused(ErrRefused)
	}
	got, err := r.askPart(ctx, off, end)
	switch {
	case err == nil && !got.Whole:
		refusals.accepted(resource)
		if r.overtaken(off) {
			_ = got.Body.Close()
			return fill.Opened{}, refused(fill.ErrBehind)
		}
		return fill.Opened{Body: got.Body, End: bodyEnd(end), Length: got.Length}, nil
	case err == nil && !parts:
		refusals.note(resource)
		return skipped(got, off), nil
	case err == nil:
		_ = got.Body.Close()
		err = ErrRefused
	case errors.Is(err, fill.ErrGone) || r.failed || unreached(err) || ctx.Err() != nil:
		return fill.Opened{}, err
	}
	r.failed = true
	if parts {
		if errors.Is(err, ErrRefused) {
			refusals.note(resource)
		} else { // it may be an outage; but for now the owner of the first slab is asked
			refusals.heard(resource)
		}
		// a verdict that is for this node alone
		return fill.Opened{}, refused(fmt.Errorf("%w: %v", ErrRefused, err))
	}
	opened, err := r.skip(ctx, off)
	if err == nil {
		refusals.note(resource)
	}
	return opened, err
}

// askedAgain is the pause after which an origin is asked once more for a part, if it has answered
// with an error of its own, or has hung up.
const askedAgain = 100 * time.Millisecond

// askPart asks the origin for the bytes [off, end): twice, if the answer was an error. That costs
// less than all that comes before.
func (r *run) askPart(ctx context.Context, off, end int64) (got OriginBody, err error) {
	by, _ := r.sake(off)
	got, err = r.s.cfg.Source.Open(ctx, by, r.rec, off, end)
	again := err != nil && !r.failed && !unreached(err) && !errors.Is(err, fill.ErrGone) &&
		!errors.Is(err, ErrRefused)
	if again {
		select {
		case <-time.After(askedAgain):
		case <-ctx.Done():
			return got, context.Cause(ctx)
		}
		by, _ = r.sake(off)
		got, err = r.s.cfg.Source.Open(ctx, by, r.rec, off, end)
	}
	r.failed = r.failed && err != nil
	return got, err
}

// overtaken reports whether the bytes from off on, which the origin is about to send, have been
// read meanwhile by another fill, whose body was open: then that one goes on, and r has nothing to
// read. Otherwise the other one ends where r begins.
func (r *run) overtaken(off int64) bool {
	fresh := r.Span().Pos == r.start
	r.s.bodies.mu.Lock()
	reads := fresh && r.s.readsLocked(r.rec, r, off)
	if !reads {
		r.s.cutLocked(r.rec, r, off, true)
	}
	r.s.bodies.mu.Unlock()
	_, held := r.s.cached(r.rec, r.s.cfg.Geometry.At(off, r.rec.OneSlab), false)
	return reads || fresh && held
}

// partsOnly reports whether the bytes from off on are to be had by a range or not at all by this
// node: else the owner of the first slab has them, or asks for the whole. A relay has found no
// owner to ask.
func (r *run) partsOnly(off int64) bool {
	return r.relay == nil && !r.rec.OneSlab && off >= r.s.cfg.Geometry.Slab &&
		r.s.ownerOf(r.rec.Key) != ""
}

// refused makes err one that ends a fill.
func refused(err error) error { return fmt.Errorf("%w: %w", fill.ErrFinal, err) }

// skip opens the whole content and skips what comes before off.
func (r *run) skip(ctx context.Context, off int64) (fill.Opened, error) {
	by, _ := r.sake(off)
	got, err := r.s.cfg.Source.Open(ctx, by, r.rec, 0, -1)
	if errors.Is(err, ErrRefused) {
		err = fmt.Errorf("%w: %v", fill.ErrGone, err)
	}
	if err != nil {
		return fill.Opened{}, err
	}
	return skipped(got, off), nil
}

func skipped(got OriginBody, off int64) fill.Opened {
	return fill.Opened{Body: &skipping{Body: got.Body, left: off}, End: fill.Everything,
		Length: got.Length}
}

func bodyEnd(end int64) int64 {
	if end < 0 {
		return fill.Everything
	}
	return end
}

// skipping is a body without its first bytes.
type skipping struct {
	fill.Body
	left int64
}

func (b *skipping) Read(p []byte) (int, error) {
	n, err := io.CopyN(io.Discard, b.Body, b.left)
	if b.left -= n; err == io.EOF {
		return 0, io.ErrUnexpectedEOF
	} else if err != nil {
		return 0, err
	}
	return b.Body.Read(p)
}
