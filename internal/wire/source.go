package wire

import (
	"net"
	"sync/atomic"
)

const (
	sourceSize = 32 << 10
	afterBulk  = 1 << 10
)

// source reads a connection for the one goroutine that reads it. Headers and small payloads come
// through a buffer, many with one call; large payloads are read from the connection into the memory
// that they are for.
type source struct {
	conn  net.Conn
	buf   []byte
	r, w  int // buf[r:w] has been read from the connection, but not from here
	ahead int // how much to read into buf at once

	in      atomic.Int64  // bytes read
	counted *atomic.Int64 // the same, together with those of others
}

// header reads a frame's header.
func (s *source) header() (header, error) {
	if err := s.fill(headerSize); err != nil {
		return header{}, err
	}
	h, err := parseHeader(s.buf[s.r:])
	s.r += headerSize
	// After a large frame, another is likely: what is read of it ahead of need would be copied once
	// more.
	s.ahead = sourceSize
	if h.size > sourceSize/2 {
		s.ahead = afterBulk
	}
	return h, err
}

// full fills p[:n]. The rest of p is the source's to use meanwhile: what comes right behind n
// bytes, the next header, is read there with the same call, and put into the buffer. That halves
// the calls where large frames follow each other.
func (s *source) full(p []byte, n int) error {
	for got := 0; got < n; {
		if s.r < s.w || n-got < small {
			if err := s.fill(1); err != nil {
				return err
			}
			k := copy(p[got:n], s.buf[s.r:s.w])
			s.r += k
			got += k
			continue
		}
		k, err := s.read(p[got:min(len(p), n+headerSize)])
		if err != nil {
			return err
		}
		if got += k; got > n {
			s.r, s.w = 0, copy(s.buf, p[n:got])
		}
	}
	return nil
}

// skip reads n bytes and drops them.
func (s *source) skip(n int) error {
	for n > 0 {
		if err := s.fill(1); err != nil {
			return err
		}
		k := min(n, s.w-s.r)
		s.r += k
		n -= k
	}
	return nil
}

// fill makes sure that buf has n bytes to read.
func (s *source) fill(n int) error {
	if s.w-s.r >= n {
		return nil
	}
	s.w = copy(s.buf, s.buf[s.r:s.w])
	s.r = 0
	for s.w < n {
		k, err := s.read(s.buf[s.w:max(n, s.ahead)])
		if err != nil {
			return err
		}
		s.w += k
	}
	return nil
}

// read reads something into p.
func (s *source) read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	s.in.Add(int64(n))
	s.counted.Add(int64(n))
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}
