package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/scurrycache/scurry/internal/fill"
)

// opener opens bodies of rec's content at the origin, where a fill needs one. A part is asked for
// by a range, and once that has been refused, in whatever form, by asking for all and skipping what
// comes before it. It is used by its fill's goroutine.
type opener struct {
	s    *Store
	rec  *Record
	sake func(off int64) (Fields, int64) // what the bytes from off on are asked for with
	all  bool                            // no other node is to be asked instead
	run  *run                            // that reads what is opened
	// the last request for a part got no answer that settles whether parts are given
	failed bool
}

// open opens the bytes [off, end), or to the content's end if end is -1: from the fragments that
// are held, and where there are none from the origin.
func (o *opener) open(ctx context.Context, off, end int64) (fill.Opened, error) {
	if !o.rec.Fragments {
		return o.origin(ctx, off, end)
	}
	if end < 0 {
		end = min(o.rec.Length, o.s.cfg.Geometry.SlabEnd(off))
	}
	j := &joined{opener: o, ctx: ctx, off: off, end: end}
	if err := j.next(); err != nil {
		return fill.Opened{}, err
	}
	return fill.Opened{Body: j, End: end, Length: o.rec.Length}, nil
}

// origin is open for what isn't held.
func (o *opener) origin(ctx context.Context, off, end int64) (fill.Opened, error) {
	known, parts := o.s.refusals.hold(o.s.keyPrefixOf(o.rec)), o.partsOnly(off)
	switch {
	case off == 0 && end < 0 || known && !parts:
		return o.skip(ctx, off)
	case known:
		return fill.Opened{}, refused(ErrRefused)
	}
	by, _ := o.sake(off)
	got, err := o.s.cfg.Source.Open(ctx, by, o.rec, off, end)
	switch {
	case err == nil && !got.Whole:
		o.failed = false
		o.s.refusals.accepted(o.s.keyPrefixOf(o.rec))
		if o.overtaken(off) {
			_ = got.Body.Close()
			return fill.Opened{}, refused(fill.ErrBehind)
		}
		return fill.Opened{Body: got.Body, End: bodyEnd(end), Length: got.Length}, nil
	case err == nil && !parts:
		o.s.refusals.note(o.s.keyPrefixOf(o.rec))
		return skipped(got, off), nil
	case err == nil:
		_ = got.Body.Close()
		err = ErrRefused
	case errors.Is(err, fill.ErrGone) || ctx.Err() != nil:
		return fill.Opened{}, err
	case !errors.Is(err, ErrRefused) && !o.failed:
		o.failed = true
		return fill.Opened{}, err // a pause may help, and costs less than all that comes before
	}
	if parts {
		if errors.Is(err, ErrRefused) {
			o.s.refusals.note(o.s.keyPrefixOf(o.rec))
		} else { // it may be an outage; but for now the owner of the first slab is asked
			o.s.refusals.heard(o.s.keyPrefixOf(o.rec))
		}
		// a verdict that is for this node alone
		return fill.Opened{}, refused(fmt.Errorf("%w: %v", ErrRefused, err))
	}
	opened, wholeErr := o.skip(ctx, off)
	if wholeErr == nil {
		o.s.refusals.note(o.s.keyPrefixOf(o.rec))
	}
	return opened, wholeErr
}

// overtaken reports whether the bytes from off on, which the origin is about to send, have been
// read meanwhile by another fill, whose body was open: then that one goes on, and this one has
// nothing to read. Else the other one ends where this one begins.
func (o *opener) overtaken(off int64) bool {
	fresh := o.run != nil && o.run.Span().Pos == o.run.Starts()
	o.s.bodies.mu.Lock()
	if fresh && o.s.readsLocked(o.rec, o.run, off) {
		o.s.bodies.mu.Unlock()
		return true
	}
	o.s.cutLocked(o.rec, o.run, off, true)
	o.s.bodies.mu.Unlock()
	if !fresh {
		return false
	}
	_, held := o.s.cached(o.rec, o.s.cfg.Geometry.At(off, o.rec.OneSlab))
	return held
}

// partsOnly reports whether the bytes from off on are to be had by a range or not at all by this
// node: else the owner of the first slab has them, or asks for the whole.
func (o *opener) partsOnly(off int64) bool {
	return o.s.cfg.Remote != nil && !o.all && !o.rec.OneSlab && off >= o.s.cfg.Geometry.Slab &&
		o.s.ownerOf(o.rec.Key) != ""
}

// refused makes err one that ends a fill.
func refused(err error) error { return fmt.Errorf("%w: %w", fill.ErrFinal, err) }

// skip opens the whole content and skips what comes before off.
func (o *opener) skip(ctx context.Context, off int64) (fill.Opened, error) {
	by, _ := o.sake(off)
	got, err := o.s.cfg.Source.Open(ctx, by, o.rec, 0, -1)
	switch {
	case errors.Is(err, ErrRefused):
		return fill.Opened{}, fmt.Errorf("%w: %v", fill.ErrGone, err)
	case err != nil:
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
	for b.left > 0 {
		n, err := b.Body.Read(p[:min(int64(len(p)), b.left)])
		b.left -= int64(n)
		if err == io.EOF && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
	return b.Body.Read(p)
}

// joined is a body that is read from fragments and from the origin, by turns.
type joined struct {
	*opener
	ctx      context.Context // of the fill that reads it
	off, end int64
	piece    []byte    // to be read before body
	body     fill.Body // up to until
	until    int64
}

// next finds what has the byte at off.
func (j *joined) next() error {
	if b, ok := j.s.fragmentAt(j.rec, j.off); ok {
		j.piece = b[:min(int64(len(b)), j.end-j.off)]
		return nil
	}
	j.until = j.end
	j.s.bodies.mu.Lock()
	if b, ok := j.s.byVersion[j.rec.Version]; ok {
		for _, sp := range b.pieces {
			if sp.Start > j.off {
				j.until = min(j.until, sp.Start)
			}
		}
	}
	j.s.bodies.mu.Unlock()
	opened, err := j.origin(j.ctx, j.off, j.until)
	j.body = opened.Body
	return err
}

func (j *joined) Read(p []byte) (int, error) {
	if j.off >= j.end {
		return 0, io.EOF
	}
	if j.piece == nil && j.body == nil {
		if err := j.next(); err != nil {
			return 0, err
		}
	}
	if j.piece != nil {
		n := copy(p, j.piece)
		j.off += int64(n)
		if j.piece = j.piece[n:]; len(j.piece) == 0 {
			j.piece = nil
		}
		return n, nil
	}
	n, err := j.body.Read(p[:min(int64(len(p)), j.until-j.off)])
	j.off += int64(n)
	if j.off == j.until && (err == nil || err == io.EOF) && j.off < j.end {
		_ = j.body.Close()
		j.body, err = nil, nil
	}
	return n, err
}

func (j *joined) Close() error {
	if j.body == nil {
		return nil
	}
	return j.body.Close()
}
