package wire

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// Stream is one request and its response, as the client sees them. Next and Read are used by one
// goroutine at a time; the other methods may be called at any time from any goroutine.
type Stream struct {
	c      *Client
	window int
	out    outbox

	// These belong to the goroutine that reads the connection:
	coming reply  // whose value hasn't come yet
	rest   []byte // where what is missing of the value goes

	mu         sync.Mutex // guards what follows. It is locked before the link's
	changed    sync.Cond
	replies    []reply // that came, and weren't read
	first      [1]reply
	came       content
	began      bool // content has come
	allowed    int  // how much the other side may send
	uncredited int  // how much was read since the last credit
	detail     []byte
	err        error // the end; io.EOF if it is complete
	cancelled  bool  // it was cancelled: nothing of what came is given out any more
	stop       func() bool

	dest   []byte // where a Read waits for content
	direct bool   // content is being read to there
	filled int    // how much of it has come
}

type reply struct{ message, value []byte }

func (r reply) cost() int { return len(r.message) + len(r.value) + replyCost }

// Next waits for the next reply, and returns its message and its value, nil if it has none. Both
// are the caller's; a value has no spare capacity. After the last reply, the error is io.EOF: once
// content has come, or once the response has ended completely without any. Otherwise it is Read's
// error.
func (s *Stream) Next() (message, value []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.replies) == 0 && !s.began && s.err == nil {
		s.changed.Wait()
	}
	switch {
	case len(s.replies) > 0:
		r := s.replies[0]
		s.replies = slices.Delete(s.replies, 0, 1)
		s.consumedLocked(r.cost())
		return r.message, r.value, nil
	case s.began && !s.cancelled:
		return nil, nil, io.EOF
	}
	return nil, nil, s.err
}

// Read waits for content, and reads it. Replies that come before it and weren't taken by Next are
// dropped. At a complete end, the error is io.EOF; if the other side aborted the response, an
// *Aborted; if the connection has ended, its error; if the request was refused, ErrOverloaded; if a
// value was too large, ErrTooLarge; each of them after all that had come. If the stream was closed,
// the error is ErrClosed, and if its context ended, the cause of that; both at once.
func (s *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.contentLocked(p)
	s.consumedLocked(n)
	if n == 0 {
		return 0, s.err
	}
	return n, nil
}

// contentLocked waits for content, and reads it. It returns 0 at the end.
func (s *Stream) contentLocked(p []byte) int {
	for {
		for _, r := range s.replies {
			s.consumedLocked(r.cost())
		}
		s.replies = nil
		if len(s.came.blocks) > 0 || s.err != nil {
			return s.came.read(p)
		}
		s.dest, s.filled = p, 0
		s.changed.Wait()
		for s.direct { // even if s is cancelled: p isn't the caller's again before
			s.changed.Wait()
		}
		s.dest = nil
		if s.filled > 0 && !s.cancelled {
			return s.filled
		}
	}
}

// consumedLocked counts n bytes as read, for which the other side may send as many others. Credit
// is given in large steps.
func (s *Stream) consumedLocked(n int) {
	s.uncredited += n
	if s.err == nil && s.uncredited >= max(1, s.window/2) {
		s.allowed += s.uncredited
		s.c.grant(s, s.uncredited)
		s.uncredited = 0
	}
}

// End returns what came with the end, or nil: it is to be called after Next or Read returned
// io.EOF.
func (s *Stream) End() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.detail
}

// Ended waits until all of the response has come, be it read or not, and reports whether it is
// complete: then End may be called.
func (s *Stream) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil {
		s.changed.Wait()
	}
	return s.err == io.EOF
}

// Over reports whether Ended needn't wait.
func (s *Stream) Over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// Close gives the stream up. If it hasn't ended, the request is cancelled. Next and Read return,
// the latter as soon as nothing is being read into its slice any more. Close returns nil.
func (s *Stream) Close() error {
	s.cancel(ErrClosed)
	return nil
}

func (s *Stream) cancel(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelLocked(err)
}

func (s *Stream) cancelLocked(err error) {
	if s.cancelled {
		return
	}
	s.cancelled = true
	if s.err == nil {
		s.c.forget(s, false)
	}
	s.endLocked(err, s.detail)
	s.replies = nil
	s.came.drop()
}

// finishLocked sets the end, if none has come before. It has the client forget s before it wakes
// those that wait for the end.
func (s *Stream) finishLocked(err error, detail []byte) {
	if s.err == nil {
		s.c.forget(s, true)
		s.endLocked(err, detail)
	}
}

func (s *Stream) endLocked(err error, detail []byte) {
	s.err, s.detail = err, detail
	if s.stop != nil {
		s.stop()
	}
	s.changed.Broadcast()
}

// violation is the error where the other side sent what it must not.
func (s *Stream) violation(what string) error {
	return fmt.Errorf("%w: stream %d: %s", ErrProtocol, s.out.id, what)
}
