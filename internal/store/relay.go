package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/wire"
)

// relay is where a fill of what another node owns reads: there, where the bytes are read from the origin at this moment or
// held. Once no owner can be had it reads from the origin, and what it reads is then kept. It is used by its fill's
// goroutine, but for what is atomic.
type relay struct {
	s       *Store
	rec     *Record
	whole   bool // all of the content will be wanted
	origin  atomic.Bool
	from    atomic.Pointer[peer.Peer] // the owner that it read from last
	sought  func() int64              // how far the readers of the fill will want it to read
	begun   bool                      // some bytes may have come
	verdict error                     // of an owner: there is no use in trying again
	trailer http.Header               // that came with the content's end
	partial atomic.Bool               // the owner had to ask the origin for some of what it has in pieces
}

// relays tells whether r depends on another node.
func (r *run) relays() bool { return r.relay.active() }

func (r *relay) active() bool { return r != nil && !r.origin.Load() }

// name is that of the node that r reads from.
func (r *relay) name() string {
	if p := r.from.Load(); p != nil {
		return p.Name()
	}
	return ""
}

// arrange makes a fill one that reads where r does.
func (r *relay) arrange(cfg *fill.Config) {
	cfg.Transient = r.active
	cfg.Open = r.open
	if !cfg.Pinned { // what the readers have yet to read stays
		cfg.Hold = r.s.far() + 2*r.s.cfg.Geometry.Max
		cfg.Share = func() int64 { return r.s.aheadOf(r, fill.Everything) + 2*r.s.cfg.Geometry.Max }
	}
	if push := cfg.Push; push != nil {
		cfg.Push = func(off int64, b []byte) {
			if r.origin.Load() {
				push(off, b)
			} else {
				r.s.pushSmall(r.rec, off, b) // into the near copy, for as long as that is kept
			}
		}
	}
}

// owners is how many owners are tried, one after the other, as the ring changes, before the origin is.
const owners = 3

// open opens the bytes [off, end) where they are to be had.
func (r *relay) open(ctx context.Context, off, end int64) (fill.Body, int64, error) {
	if r.verdict != nil {
		return nil, 0, fmt.Errorf("%w: %w", fill.ErrFinal, r.verdict)
	}
	for range owners {
		p := r.s.slabOwner(r.rec, off)
		if p == nil || r.origin.Load() || (r.begun && !r.rec.refetchable()) {
			break // nobody but the origin has what comes next of a body that was lost
		}
		body, length, err := r.follow(ctx, p, off, end)
		switch {
		case err == nil:
			return body, length, nil
		case ctx.Err() != nil:
			return nil, 0, context.Cause(ctx)
		case verdict(err):
			return nil, 0, fmt.Errorf("%w: %w", fill.ErrFinal, err)
		case r.s.slabOwner(r.rec, off) == p: // it won't, and nobody else is in its place
			r.origin.Store(true)
		}
	}
	r.origin.Store(true)
	if !r.rec.refetchable() && !r.rec.Resumable {
		return nil, 0, fmt.Errorf("%s: the node that read it from the origin is lost: %w", r.rec.Key, fill.ErrGone)
	}
	return r.s.open(ctx, r.rec, off, end)
}

// follow asks p for the bytes [off, end) as they come.
func (r *relay) follow(ctx context.Context, p *peer.Peer, off, end int64) (fill.Body, int64, error) {
	if r.rec.refetchable() {
		end = min(end, max(r.sought(), off+1)) // what nobody will want, the owner isn't to read; more can be asked for
	}
	ask := stretch{key: r.rec.Key, rec: r.rec.encode(r.s.cfg.Now()), off: off, end: end, whole: r.whole}
	stream, err := p.Ask(ctx, ask.encode())
	if err != nil {
		return nil, 0, err
	}
	d, err := r.s.answer(stream, nil)
	if err != nil {
		_ = stream.Close()
		return nil, 0, err
	}
	length := d.varint()
	if partial := false; d.flags([]*bool{&partial}) && partial {
		r.partial.Store(true)
	}
	r.from.Store(p)
	r.begun = true
	return &relayed{stream, r}, length, nil
}

// answer waits for the answer and returns what an answerOK brings; any other is an error.
func (s *Store) answer(stream *peer.Stream, inform func(int, http.Header)) (*decoder, error) {
	for {
		message, _, err := stream.Next()
		if err != nil {
			return nil, err
		}
		d := &decoder{b: message}
		switch kind := d.byte(); kind {
		case answerOK:
			return d, nil
		case answerInterim:
			status, header := int(d.varint()), d.header()
			if inform != nil && !d.bad && status >= 100 && status != http.StatusSwitchingProtocols && status < 200 {
				inform(status, header)
			}
		default:
			return nil, s.decodeError(kind, d)
		}
	}
}

// relayed is the bytes that an owner sends.
type relayed struct {
	*peer.Stream
	relay *relay
}

func (b *relayed) Read(p []byte) (int, error) {
	n, err := b.Stream.Read(p)
	if end := b.Stream.End(); err == io.EOF && len(end) > 0 {
		b.relay.trailer = (&decoder{b: end}).header()
	}
	if aborted, ok := errors.AsType[*wire.Aborted](err); ok && len(aborted.Detail) > 0 {
		d := &decoder{b: aborted.Detail[1:]}
		err = b.relay.s.decodeError(aborted.Detail[0], d)
		if verdict(err) {
			b.relay.verdict = err
		}
	}
	return n, err
}
