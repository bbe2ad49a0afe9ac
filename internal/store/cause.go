package store

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/wire"
)

// Each request to the origin is made for one request of a client: the log's line about it tells
// which, and that one alone is said to have asked the origin. Where another node asks the origin
// for a client's request, its answer tells.

// Cause is the request that the origin is asked for.
type Cause struct {
	ID    string       // in the log
	Asked *atomic.Bool // set when the origin is being asked for it; nil if nobody wants to know
}

// Note notes that the origin is being asked for c.
func (c Cause) Note() {
	if c.Asked != nil {
		c.Asked.Store(true)
	}
}

// noted reports whether the origin has been asked for c.
func (c Cause) noted() bool { return c.Asked != nil && c.Asked.Load() }

// sake is what the origin is asked with for the bytes from off on: the fields of the request that r
// was begun for, for the sake of one that waits for these bytes, up to stop.
func (r *run) sake(off int64) (by Fields, stop int64) {
	by = r.by
	who, stop := r.Waiting(off, by.Cause)
	if cause, ok := who.(Cause); ok {
		by.Cause = cause
	}
	return by, stop
}

// afterOrigin is an error that came of asking the origin for the request at hand, in the answer to
// another node.
type afterOrigin struct{ err error }

func (a *afterOrigin) Error() string { return a.err.Error() }
func (a *afterOrigin) Unwrap() error { return a.err }

// after is err, if the origin was asked for c before it came about, as one that tells so.
func (c Cause) after(err error) error {
	if c.noted() {
		return &afterOrigin{err}
	}
	return err
}

// learn is what another node's err means, once c has been told whether the origin was asked for it.
func (c Cause) learn(err error) error {
	if after, ok := errors.AsType[*afterOrigin](err); ok {
		c.Note()
		return after.err
	}
	return err
}

// requestOriginAsked asks p whether the origin has been asked for what p is sending in answer to
// call.
func (s *Store) requestOriginAsked(ctx context.Context, p *peer.Peer, call uint64) bool {
	stream, err := p.Open(ctx, binary.AppendUvarint([]byte{reqOriginAsked}, call))
	if err != nil {
		return false
	}
	defer stream.Close()
	d, err := s.awaitReply(stream, nil)
	return err == nil && d.byte() != 0
}

// serveOriginAsked answers for a call that has ended as for one that the origin wasn't asked for:
// the end of its answer, which has been sent before, tells.
func (s *Store) serveOriginAsked(c *wire.Call, d *decoder) {
	cause, _ := s.calls.Load(d.uvarint())
	answering, _ := cause.(Cause)
	asked := answering.noted()
	reply(c, appendFlags([]byte{respOK}, []*bool{&asked}), nil)
}
