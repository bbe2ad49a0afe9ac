package wire

import (
	"context"
	"fmt"
	"math"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

// Server is the side of a connection that answers requests. Its methods may be called concurrently.
type Server struct {
	link
	cfg     Config
	serving sync.WaitGroup

	// Guarded by the link's mutex:
	calls   map[uint64]*Call // those whose responses haven't been sent to the end
	number  uint64           // of the last request
	busy    int              // requests that have a place: they are coming, or being served
	leaving bool
}

// NewServer makes conn the server's side of a connection, which owns conn from then on. It must be
// closed, unless it ends by itself, which Lost and Done report.
func NewServer(conn net.Conn, cfg Config) *Server {
	cfg = cfg.filled()
	s := &Server{cfg: cfg, calls: map[uint64]*Call{}}
	// A client without streams is silent for idleHeartbeats by design.
	s.init(conn, cfg.terms(idleHeartbeats+cfg.MissedHeartbeats))
	s.w.ended = func(id uint64) { delete(s.calls, id) }
	s.start(s)
	return s
}

// Leave announces to the client that this side is about to leave, so that it sends requests
// elsewhere. Calls go on being served, new ones too, until the connection is closed. Leave returns
// when that has been sent, or the connection ends, so that a Close right after it doesn't overtake
// it.
func (s *Server) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving {
		s.leaving, s.w.leave = true, true
		s.w.wakeLocked()
	}
	for !s.w.leaveSent && !s.w.closed {
		s.w.room.Wait()
	}
}

// Calls is how many requests are without a complete response, what is being written counting as
// one.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w.writing {
		return len(s.calls) + 1
	}
	return len(s.calls)
}

// Wait waits until the connection has ended and every Serve has returned.
func (s *Server) Wait() {
	<-s.done
	s.serving.Wait()
}

func (s *Server) receive(h header) error {
	switch h.kind {
	case kindPing:
		s.pong(h.id)
		return nil
	case kindRequest:
		return s.request(h)
	case kindMore, kindCancel, kindCredit:
	default:
		return fmt.Errorf("%w: frame of kind %d to the server", ErrProtocol, h.kind)
	}
	c, err := s.find(h)
	switch {
	case err != nil:
		return err
	case c == nil:
		return s.src.skip(h.size)
	case h.kind == kindMore:
		return s.more(c, h.size)
	case h.kind == kindCancel:
		s.cancel(c)
		return nil
	}
	n, err := s.src.word()
	if err == nil && n > math.MaxInt32 {
		err = fmt.Errorf("%w: credit of %d", ErrProtocol, n)
	}
	if err == nil {
		c.credited(int(n))
	}
	return err
}

// pong answers a ping. With it go acknowledgements of the requests before it that have no response
// yet: a response acknowledges its request, and costs no write of its own.
func (s *Server) pong(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if !c.out.acked {
			c.out.ack = true
			s.w.enlistLocked(&c.out)
		}
	}
	s.w.pong, s.w.pinged = id, true
	s.w.wakeLocked()
}

// find returns the call of a frame; nil if it is over.
func (s *Server) find(h header) (*Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.last || h.id == 0 || h.id > s.number {
		return nil, fmt.Errorf("%w: frame of call %d, where %d is the last",
			ErrProtocol, h.id, s.number)
	}
	return s.calls[h.id], nil
}

// request takes a new request.
func (s *Server) request(h header) error {
	size, window, err := s.src.words()
	if err != nil {
		return err
	}
	if window == 0 || window > math.MaxInt32 {
		return fmt.Errorf("%w: request with a window of %d", ErrProtocol, window)
	}
	c := newCall(&s.link, h.id, int(window))
	if ok, err := s.admit(c, size); !ok {
		if err == nil {
			err = s.src.skip(h.size - leadSize)
		}
		return err
	}
	c.in.begin(int(size), -1)
	return s.more(c, h.size-leadSize)
}

// admit gives c a place, or refuses it.
func (s *Server) admit(c *Call, size uint32) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.out.id <= s.number {
		return false, fmt.Errorf("%w: request %d after request %d", ErrProtocol, c.out.id, s.number)
	}
	s.number = c.out.id
	switch {
	case int64(size) > int64(s.maxMessage):
		s.refuseLocked(c, refuseTooLarge)
	case s.busy >= s.cfg.MaxRequests:
		s.refuseLocked(c, refuseOverloaded)
	case s.failure == nil: // else c is of no interest any more
		s.busy++
		s.calls[c.out.id] = c
		return true, nil
	}
	return false, nil
}

func (s *Server) refuseLocked(c *Call, why byte) {
	for s.w.urgent.n >= maxRefusals && !s.w.closed {
		s.w.room.Wait()
	}
	c.out.push(item{kind: kindRefuse, a: []byte{why}})
	s.w.enlistLocked(&c.out)
}

// more takes the next n bytes of a request, which is served when it is complete.
func (s *Server) more(c *Call, n int) error {
	if !c.in.begun {
		return fmt.Errorf("%w: more of a complete request", ErrProtocol)
	}
	if err := c.in.read(&s.src, n); err != nil || !c.in.complete() {
		return err
	}
	c.message = c.in.message
	c.in = assembly{}
	s.mu.Lock()
	c.served = true
	s.mu.Unlock()
	s.serving.Add(1)
	go s.serve(c)
	return nil
}

func (s *Server) serve(c *Call) {
	defer s.serving.Done()
	defer s.release(c)
	defer func() {
		if v := recover(); v != nil && s.cfg.Panicked != nil {
			s.cfg.Panicked(v, debug.Stack())
		}
	}()
	s.cfg.Serve(c)
}

// release is the end of Serve.
func (s *Server) release(c *Call) {
	_ = c.Abort(nil) // it fails where the response has ended, as it should have
	c.endContext(context.Canceled)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
}

// cancel ends a call that its client has given up.
func (s *Server) cancel(c *Call) {
	s.mu.Lock()
	delete(s.calls, c.out.id)
	if !c.served {
		s.busy--
	}
	s.mu.Unlock()
	c.lose(ErrCancelled)
}

func (s *Server) heartbeatLocked(now time.Time) (dead bool) {
	s.pulse.tick(now, s.src.heard.Load(), true)
	return s.pulse.dead()
}

func (s *Server) fail(err error) {
	s.mu.Lock()
	s.failure = err
	calls := s.calls
	s.calls = map[uint64]*Call{}
	s.mu.Unlock()
	for _, c := range calls {
		c.lose(err)
	}
}
