package proxy_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"unsafe"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// pieces is a client that keeps the slices that it is sent, as a ResponseWriter and as a
// connection.
type pieces struct {
	header http.Header
	sent   [][]byte
}

func (p *pieces) Header() http.Header { return p.header }
func (p *pieces) WriteHeader(int)     {}
func (p *pieces) Write(b []byte) (int, error) {
	p.sent = append(p.sent, b)
	return len(b), nil
}

func (*pieces) Remote() string { return "1.2.3.4:5" }

// Send leaves out the head, which is the first slice.
func (p *pieces) Send(b *net.Buffers) (n int64, err error) {
	p.sent = append(p.sent, (*b)[1:]...)
	for _, part := range *b {
		n += int64(len(part))
	}
	return n, nil
}

// TestContentIsNotCopied: the memory that the origin's bytes are read into is what is held, and
// what every client is sent from, by the handler and by the lane.
func TestContentIsNotCopied(t *testing.T) {
	oneNode(t)
	for _, size := range []int64{5000, 64 << 10, 1<<20 - 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			n, o := fronting(t, proxy.Config{Memory: 64 << 20, Slab: 8 << 20, MaxChunk: 1 << 20,
				FirstChunk: 32 << 10})
			o.Handle("/f", origintest.File{Size: size, ETag: `"1"`,
				Header: maxAge("600")}.ServeHTTP)
			handler := func() [][]byte {
				c := pieces{header: http.Header{}}
				n.ServeHTTP(&c, httptest.NewRequest(http.MethodGet, "/files/f", nil))
				return c.sent
			}
			miss := handler()
			eventually(t, "the file is held", func() bool { return n.Stats().LiveFills == 0 })
			hit := handler()
			var lane pieces
			text := []byte("GET /files/f HTTP/1.1\r\nHost: a\r\n\r\n")
			if taken, next, err := n.Lane().Serve(&lane, text); taken != len(text) || next != nil ||
				err != nil {
				t.Fatalf("the lane takes %d bytes, %v", taken, err)
			}
			for name, sent := range map[string][][]byte{"miss": miss, "hit by the handler": hit} {
				at := 0
				for _, part := range sent {
					if at += len(part); !slices.ContainsFunc(lane.sent, func(b []byte) bool {
						return within(part, b)
					}) {
						t.Errorf("%s: %d bytes before %d aren't those of the hit by the lane", name,
							len(part), at)
					}
				}
			}
			if o.Count() != 1 {
				t.Errorf("%d origin requests", o.Count())
			}
		})
	}
}

// within reports whether part's memory is a part of b's.
func within(part, b []byte) bool {
	at, start := uintptr(unsafe.Pointer(unsafe.SliceData(part))),
		uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return start <= at && at+uintptr(len(part)) <= start+uintptr(len(b))
}
