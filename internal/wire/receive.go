package wire

import "io"

// receive handles a frame of s for the goroutine that reads the connection.
func (s *Stream) receive(h header) error {
	if h.kind == kindAck {
		return nil // finding the stream has taken note of it
	}
	switch more := h.kind == kindMore; {
	case more && !s.in.begun:
		return s.violation("more of no reply")
	case !more && s.in.begun:
		return s.violation("something else within a reply")
	}
	switch h.kind {
	case kindMessage:
		return s.message(h)
	case kindMore:
		return s.more(h.size, h.last)
	case kindData:
		return s.data(h.size, h.last)
	default: // an end, an abort, a refusal
		return s.over(h)
	}
}

// message begins a reply.
func (s *Stream) message(h header) error {
	m, v, err := s.c.src.words()
	if err != nil {
		return err
	}
	if int64(m) > int64(s.c.maxMessage) || int64(v)-1 > int64(s.c.maxValue) {
		s.cancel(ErrTooLarge)
		return s.c.src.skip(h.size - leadSize)
	}
	message, value := int(m), int(v)-1
	if err := s.admit(message + max(0, value) + replyCost); err != nil {
		return err
	}
	s.in.begin(message, value)
	return s.more(h.size-leadSize, h.last)
}

// admit takes a reply from the window, which must not be used up.
func (s *Stream) admit(cost int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.began:
		return s.violation("a reply after content")
	case s.allowed <= 0:
		return s.violation("a reply without credit")
	}
	s.allowed -= cost
	return nil
}

// more takes the next n bytes of a reply.
func (s *Stream) more(n int, end bool) error {
	if err := s.in.read(&s.c.src, n); err != nil {
		return err
	}
	if !s.in.complete() {
		if end {
			return s.violation("the end within a reply")
		}
		return nil
	}
	r := reply{s.in.message, s.in.value}
	s.in = assembly{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil // it was cancelled meanwhile
	}
	s.replies = append(s.replies, r)
	if end {
		s.finishLocked(io.EOF, nil)
	}
	s.changed.Broadcast()
	return nil
}

// data takes n bytes of content.
func (s *Stream) data(n int, end bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.dataLocked(n)
	if err == nil && end {
		s.finishLocked(io.EOF, nil)
	}
	return err
}

func (s *Stream) dataLocked(n int) error {
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
// It unlocks while they come.
func (s *Stream) pieceLocked(n int) (int, error) {
	var to []byte
	switch {
	case s.cancelled: // they are skipped
	case s.dest != nil && s.came.size == 0:
		to = s.dest // all of it: an io.Reader may use what it doesn't return
		s.direct = true
	default:
		to = s.came.room()
		s.filling = true
	}
	s.mu.Unlock()
	var err error
	if to == nil {
		err = s.c.src.skip(n)
	} else {
		n = min(n, len(to))
		err = s.c.src.full(to, n)
	}
	s.mu.Lock()
	s.placedLocked(n, err)
	return n, err
}

// placedLocked counts n bytes of content that have come to where pieceLocked wanted them, unless
// err.
func (s *Stream) placedLocked(n int, err error) {
	switch {
	case err != nil:
	case s.direct:
		s.filled = n
	case s.filling:
		s.came.wrote(n)
	}
	if s.direct {
		s.dest = nil
	}
	s.direct, s.filling = false, false
	if s.cancelled {
		s.came.drop(false)
	}
	s.changed.Broadcast()
}

// over takes the end of the response, with what comes with it.
func (s *Stream) over(h header) error {
	detail := make([]byte, h.size)
	if err := s.c.src.full(detail, h.size); err != nil {
		return err
	}
	switch {
	case h.kind == kindEnd:
		s.finish(io.EOF, detail)
	case h.kind == kindAbort:
		s.finish(&Aborted{Detail: detail}, nil)
	case detail[0] == refuseTooLarge:
		s.finish(ErrTooLarge, nil)
	default:
		s.finish(ErrOverloaded, nil)
	}
	return nil
}
