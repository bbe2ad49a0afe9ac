package wire

import (
	"io"

	"github.com/scurrycache/scurry/internal/memory"
)

// receive handles a frame of s for the goroutine that reads the connection.
func (s *Stream) receive(h header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.kind != kindData && len(s.rest) > 0 {
		return s.violation("something else within a value")
	}
	var err error
	switch h.kind {
	case kindReply:
		err = s.replyLocked(h)
	case kindData:
		err = s.dataLocked(h.size)
	default: // an end, an abort, a refusal
		return s.overLocked(h)
	}
	switch {
	case err != nil || !h.last:
		return err
	case len(s.rest) > 0:
		return s.violation("the end within a value")
	}
	s.finishLocked(io.EOF, nil)
	return nil
}

// fillLocked reads n bytes into p, unlocked meanwhile.
func (s *Stream) fillLocked(p []byte, n int) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return s.c.src.full(p, n)
}

// replyLocked takes a reply from the window, which must not be used up. Memory for the value, which
// only a trusted side may send, is taken at once.
func (s *Stream) replyLocked(h header) error {
	message, value := h.size, h.number-1
	if h.withValue() {
		message -= value
	}
	switch {
	case s.began || s.allowed <= 0 || message < 0:
		return s.violation("a reply after content, without credit, or with half a value")
	case value > s.c.cfg.MaxValue:
		s.cancelLocked(ErrTooLarge)
		return s.c.src.skip(h.size)
	}
	r := reply{message: make([]byte, message)}
	if value >= 0 {
		r.value = memory.Make(int64(value))
	}
	s.allowed -= r.cost()
	if err := s.fillLocked(r.message, message); err != nil {
		return err
	}
	s.coming, s.rest = r, r.value
	if h.withValue() {
		return s.dataLocked(value)
	}
	s.cameLocked()
	return nil
}

// cameLocked lets the reply be read if it is complete.
func (s *Stream) cameLocked() {
	if len(s.rest) > 0 {
		return
	}
	if !s.cancelled {
		s.replies = append(s.replies, s.coming)
		s.changed.Broadcast()
	}
	s.coming = reply{}
}

// dataLocked takes n bytes: of a value as long as one isn't complete, then of content.
func (s *Stream) dataLocked(n int) error {
	if k := min(n, len(s.rest)); k > 0 {
		// The value's bytes go straight to where they stay.
		if err := s.fillLocked(s.rest, k); err != nil {
			return err
		}
		n -= k
		s.rest = s.rest[k:]
		s.cameLocked()
	}
	if n == 0 {
		return nil
	}
	if s.allowed < n {
		return s.violation("content without credit")
	}
	s.allowed -= n
	s.began = true
	for n > 0 {
		k, err := s.pieceLocked(n)
		if err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// pieceLocked takes up to n bytes of content: to where a Read waits for them, or else to a block.
func (s *Stream) pieceLocked(n int) (int, error) {
	defer s.changed.Broadcast()
	if to := s.dest; s.filled < len(to) && len(s.came.blocks) == 0 {
		// all of it: an io.Reader may use what it doesn't return
		n = min(n, len(to)-s.filled)
		s.direct = true
		err := s.fillLocked(to[s.filled:], n)
		s.direct = false
		if err == nil {
			s.filled += n
		}
		return n, err
	}
	b := s.c.spare
	b.r, b.w = 0, min(n, blockSize)
	if err := s.fillLocked(b.b[:], b.w); err != nil {
		return 0, err
	}
	n = b.w
	if !s.cancelled {
		s.c.spare = s.came.add(b)
	}
	return n, nil
}

// overLocked takes the end of the response, with what comes with it.
func (s *Stream) overLocked(h header) error {
	detail := make([]byte, h.size)
	if err := s.fillLocked(detail, h.size); err != nil {
		return err
	}
	switch h.kind {
	case kindEnd:
		s.finishLocked(io.EOF, detail)
	case kindAbort:
		s.finishLocked(&Aborted{Detail: detail}, nil)
	default:
		s.finishLocked(ErrOverloaded, nil)
	}
	return nil
}
