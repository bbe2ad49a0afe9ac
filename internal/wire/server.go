package wire

import (
	"cmp"
	"context"
	"math"
	"net"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

// Server is the side of a connection that answers requests. Its methods may be called concurrently.
type Server struct {
	link
	serving sync.WaitGroup
	workers *workers.Pool // that serve

	// Guarded by the link's mutex:
	calls map[uint64]*Call // those whose responses haven't been sent to the end; nil at the end
	busy  int              // requests that are being served
	leave int              // the batch that announces that this side leaves; 0 if none does
}

// NewServer makes conn the server's side of a connection, which owns conn from then on. It must be
// closed, unless it ends by itself, which Lost and Done report.
func NewServer(conn net.Conn, cfg Config) *Server {
	cfg = cfg.filled()
	s := &Server{calls: map[uint64]*Call{}, workers: workers.New()}
	s.sentLast = func(o *outbox) { delete(s.calls, o.id) }
	// A client without streams is silent for idleHeartbeats by design.
	s.start(s, conn, cfg, idleHeartbeats+cfg.MissedHeartbeats)
	return s
}

// Leave announces to the client that this side is about to leave, so that it sends requests
// elsewhere. Calls go on being served, new ones too, until the connection is closed. Leave returns
// when that has been sent, or the connection ends, so that a Close right after it doesn't overtake
// it.
func (s *Server) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leave == 0 {
		s.leave = s.made + 1
		s.signLocked(kindLeave)
	}
	for s.written < s.leave && !s.closed {
		s.room.Wait()
	}
}

// Calls is how many requests are without a complete response, what is being written counting as
// one.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls) + s.made - s.written
}

// Wait waits until the connection has ended and every Serve has returned.
func (s *Server) Wait() {
	<-s.done
	s.serving.Wait()
}

func (s *Server) receive(h header) error {
	if h.kind == kindRequest {
		return s.request(h)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.kind == kindPing {
		s.signLocked(kindPong)
		return nil
	}
	c := s.calls[h.id] // nil if it is over
	switch {
	case h.kind != kindCancel && h.kind != kindCredit, h.id == 0, h.id > s.number:
		return misplaced(h)
	case c == nil:
	case h.kind == kindCredit:
		// whatever the client grants, it stays a number
		c.allowed = min(c.allowed, math.MaxInt32-h.number) + h.number
		c.out.room.Broadcast()
	default:
		delete(s.calls, h.id)
		c.loseLocked(ErrCancelled)
	}
	return nil
}

// request takes a request, and begins to serve it unless too many are being served, or have
// responses that the client doesn't read.
func (s *Server) request(h header) error {
	if h.id <= s.number || h.number == 0 {
		return misplaced(h)
	}
	s.number = h.id
	c := &Call{l: &s.link, message: make([]byte, h.size), allowed: h.number, end: func(error) {}}
	c.out.init(h.id, &s.mu)
	if err := s.src.full(c.message, h.size); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if max(s.busy, len(s.calls)) >= s.cfg.MaxRequests {
		for len(s.urgent) >= maxRefusals && !s.closed {
			s.room.Wait()
		}
		c.message = nil // it isn't kept while the refusal waits
		s.sendLocked(&c.out, item{kind: kindRefuse, last: true})
		return nil
	}
	if s.calls == nil {
		return s.err
	}
	s.busy++
	s.calls[h.id] = c
	s.serving.Add(1)
	s.workers.Go(func() { s.serve(c) })
	return nil
}

func (s *Server) serve(c *Call) {
	defer s.serving.Done()
	defer s.release(c)
	s.cfg.Serve(c)
}

// release is the end of Serve.
func (s *Server) release(c *Call) {
	s.mu.Lock()
	_ = c.endLocked(kindAbort, nil) // it fails where the response has ended, as it should have
	c.over = cmp.Or(c.over, context.Canceled)
	end := c.end
	s.busy--
	s.mu.Unlock()
	end(context.Canceled)
}

func (s *Server) heartbeatLocked(now time.Time) (dead bool) {
	return s.pulse.tick(now, s.src.in.Load(), true)
}

func (s *Server) fail(err error) {
	s.workers.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		c.loseLocked(err)
	}
	s.calls = nil
}
