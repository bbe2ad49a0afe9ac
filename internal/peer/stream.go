package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/wire"
)

// Stream is the response to a request to a peer.
type Stream struct {
	*wire.Stream
	peer    *Peer
	asked   time.Time
	replied bool
	failed  atomic.Bool
}

// Open sends p a request. No more than window bytes of the response are to be under way; 0 for as
// many as usual. The response ends with ctx, and must be closed.
func (p *Peer) Open(ctx context.Context, message []byte, window int) (*Stream, error) {
	p.asks.Add(1)
	var s *wire.Stream
	err := ErrUnreachable
	if c := p.conn.Load(); c != nil {
		s, err = c.Open(ctx, message, window)
	}
	if err != nil {
		p.errors.Add(1)
		return nil, fmt.Errorf("request to %s: %w", p.name, err)
	}
	return &Stream{Stream: s, peer: p, asked: time.Now()}, nil
}

// Next is wire.Stream's.
func (s *Stream) Next() (message, value []byte, err error) {
	message, value, err = s.Stream.Next()
	if !s.replied && err == nil {
		s.replied = true
		s.peer.replied(time.Since(s.asked))
	}
	s.note(err)
	return message, value, err
}

// Read is wire.Stream's.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	s.note(err)
	return n, err
}

// note counts a request that failed, once. One that this side has given up hasn't.
func (s *Stream) note(err error) {
	if err != nil && err != io.EOF && !errors.Is(err, context.Canceled) && err != wire.ErrClosed &&
		!s.failed.Swap(true) {
		s.peer.errors.Add(1)
	}
}
