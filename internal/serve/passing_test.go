package serve

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// sized is a body of size bytes that notes the largest buffer that it was read into.
type sized struct {
	size, read, largest int
	piece               int // that a Read gives at most
}

func (s *sized) Read(p []byte) (n int, err error) {
	s.largest = max(s.largest, len(p))
	if s.read == s.size {
		return 0, io.EOF
	}
	n = min(len(p), s.piece, s.size-s.read)
	for i := range p[:n] {
		p[i] = byte((s.read + i) % 251)
	}
	s.read += n
	return n, nil
}

// TestPassing: what is passed on comes as it is, large buffers are used for what fills a small one,
// as many as there are, and all of them are given back.
func TestPassing(t *testing.T) {
	for _, c := range []struct {
		name              string
		size, piece, free int
		largest           int
		gone              bool
	}{
		{"small", 1000, 1 << 20, mostLarge, smallBuffer, false},
		{"large, in small pieces", 1 << 20, smallBuffer - 1, mostLarge, smallBuffer, false},
		{"large", 3<<20 + 5, 1 << 20, mostLarge, largeBuffer, false},
		{"large, by the last buffer", 3 << 20, 1 << 20, 1, largeBuffer, false},
		{"large, without a large buffer", 3 << 20, 1 << 20, 0, smallBuffer, false},
		{"the client goes", 3 << 20, 1 << 20, 1, largeBuffer, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range mostLarge - c.free {
				taken := <-largeBuffers
				defer func() { largeBuffers <- taken }()
			}
			w := httptest.NewRecorder()
			body, r := &sized{size: c.size, piece: c.piece}, &response{w: w}
			if c.gone {
				r.w = leaving{w}
			}
			err := r.pass(body)
			want, _ := io.ReadAll(&sized{size: c.size, piece: 100})
			if got := w.Body.Bytes(); c.gone != errors.Is(err, errCut) ||
				!c.gone && !bytes.Equal(got, want) {
				t.Errorf("%d of %d bytes, %v", len(got), c.size, err)
			}
			if body.largest != c.largest {
				t.Errorf("it was read %d bytes at a time, not %d", body.largest, c.largest)
			}
			if n := len(largeBuffers); n != c.free {
				t.Errorf("%d large buffers are left of %d", n, c.free)
			}
		})
	}
}

// leaving is a client who goes once it has got what fills a small buffer.
type leaving struct{ http.ResponseWriter }

func (l leaving) Write(p []byte) (int, error) {
	if len(p) > smallBuffer {
		return 0, io.ErrClosedPipe
	}
	return l.ResponseWriter.Write(p)
}
