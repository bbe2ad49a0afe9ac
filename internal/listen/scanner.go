package listen

import (
	"bytes"
	"strconv"

	"github.com/scurrycache/scurry/internal/hostport"
)

// scanner follows the requests on a connection while their bytes pass by on their way to net/http,
// which hides some of what a head says: it removes a Content-Length beside a Transfer-Encoding, the
// Transfer-Encoding of HTTP/1.0, and the Host beside a target in absolute form.
//
// A body may look like a head, so the scanner frames bodies as well, more strictly than net/http.
// If it doesn't recognize a head where net/http reads a request, the request's number exceeds the
// scanner's count of heads, and the request is refused. So no disagreement stays unnoticed.
//
// The scanner stops at the first odd head, since the connection ends with the response to it.
type scanner struct {
	part  part
	cr    bool   // the last byte before the head was a CR
	line  []byte // the beginning of the current line, if earlier bytes had it; net/http bounds it
	left  int64  // bytes of the body, or of the chunk, that are still to come
	heads int    // how many heads have passed by
	host  string // of the last head, which is valid
	odd   oddity

	// Of the current head.
	old     bool // HTTP/1.0
	sized   bool // it has a Content-Length, whose value is in left
	chunked bool
}

// oddity is a request that must be refused, or be the last one on its connection.
type oddity struct {
	number int    // of the request on its connection, from 1; 0 if there is none
	refuse string // why it is answered with 400; empty if it is served, as the last one
}

// part is the part of a request that comes next.
type part uint8

const (
	between   part = iota // empty lines, which are removed, then a request line
	inRequest             // the request line
	inFields              // a field line of the head, or the empty one after them
	inBody                // content of a known length
	inSize                // a chunk's size line
	inChunk               // a chunk's data, and the CR LF after it, which net/http checks
	inTrailer             // a trailer field line, or the empty one after them
	lost                  // nothing that follows is to be served
)

// scan follows the bytes in p, removes empty lines before heads from p (RFC 9112 section 2.2), and
// returns the rest.
func (s *scanner) scan(p []byte) []byte {
	for i := 0; i < len(p); {
		switch s.part {
		case between:
			n := s.blank(p[i:])
			p = append(p[:i], p[i+n:]...)
		case inBody, inChunk:
			n := min(s.left, int64(len(p)-i))
			s.left -= n
			i += int(n)
			s.endOfContent()
		case lost:
			return p
		default:
			i += s.scanLine(p[i:])
		}
	}
	return p
}

// clean reports whether no byte of an unanswered request has passed by; answered is how many
// requests have been answered.
func (s *scanner) clean(answered int) bool { return s.part == between && s.heads == answered }

// blank returns how many bytes at the beginning of p belong to empty lines before a head. The head
// begins with the byte after them, if there is one.
func (s *scanner) blank(p []byte) int {
	for i, c := range p {
		switch {
		case c == '\n':
			s.cr = false
		case s.cr:
			s.refuse("a CR without LF before the request line")
			return i
		case c == '\r':
			s.cr = true
		default:
			s.part = inRequest
			return i
		}
	}
	return len(p)
}

func (s *scanner) endOfContent() {
	switch {
	case s.left > 0:
	case s.part == inChunk:
		s.part = inSize
	default:
		s.part = between
	}
}

// scanLine follows p up to the end of the current line, and returns the number of bytes.
func (s *scanner) scanLine(p []byte) int {
	end := bytes.IndexByte(p, '\n') + 1
	if end == 0 {
		s.line = append(s.line, p...)
		return len(p)
	}
	line := p[:end]
	if len(s.line) > 0 { // which is rare
		line, s.line = append(s.line, line...), nil
	}
	bare := bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
	switch s.part {
	case inRequest:
		s.old = bytes.HasSuffix(bare, []byte("0"))
		s.sized, s.chunked, s.part = false, false, inFields
		if bytes.HasPrefix(bare, []byte("PRI ")) { // what follows isn't HTTP/1
			s.part = lost
		}
	case inFields:
		s.field(bare)
	case inSize:
		s.size(bare)
	case inTrailer:
		if len(bare) == 0 {
			s.part = between
		}
	}
	return end
}

// field takes a line of a head. A line that net/http refuses may have any meaning here.
func (s *scanner) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.Trim(value, " \t")
	switch {
	case len(line) == 0:
		s.endOfHead()
	case line[0] == ' ' || line[0] == '\t':
		s.refuse("a field line that is folded")
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil {
			s.refuse("a malformed Content-Length")
		}
		s.sized, s.left = true, int64(n)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		if s.chunked || !bytes.EqualFold(value, []byte("chunked")) {
			s.refuse("an unknown Transfer-Encoding")
		}
		s.chunked = true
	case bytes.EqualFold(name, []byte("Host")) && string(value) != s.host:
		if s.host = string(value); !hostport.Valid(s.host) {
			s.refuse("a malformed Host")
		}
	}
}

// endOfHead decides how the body is framed (RFC 9112 section 6.3).
func (s *scanner) endOfHead() {
	switch {
	case s.chunked && s.old:
		s.refuse("a Transfer-Encoding in HTTP/1.0") // section 6.1: its framing is faulty
		return
	case s.chunked && s.sized:
		// Section 6.1: the connection must be closed after the response.
		s.odd, s.part = oddity{number: s.heads + 1}, lost
	case s.chunked:
		s.part = inSize
	case s.left > 0:
		s.part = inBody
	default:
		s.part = between
	}
	s.heads++
}

// refuse makes the current request the last one, to be answered with 400.
func (s *scanner) refuse(why string) {
	s.odd, s.part = oddity{number: s.heads + 1, refuse: why}, lost
}

// size takes the line with a chunk's size (RFC 9112 section 7.1). net/http checks that it ends in
// CR LF and has no other CR.
func (s *scanner) size(line []byte) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	size, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 62)
	switch {
	case err != nil:
		s.part = lost
	case size == 0:
		s.part = inTrailer
	default:
		s.left, s.part = int64(size)+int64(len("\r\n")), inChunk
	}
}
