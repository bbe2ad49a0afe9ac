package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// stalling sends the head of f and so many bytes of it, and then nothing until the request is given
// up.
func stalling(f origintest.File, after int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(&staller{ResponseWriter: w, left: after, until: r.Context().Done()}, r)
	}
}

type staller struct {
	http.ResponseWriter
	left  int
	until <-chan struct{}
}

func (s *staller) Write(b []byte) (int, error) {
	n, err := s.ResponseWriter.Write(b[:min(len(b), s.left)])
	if s.left -= n; err == nil && n < len(b) {
		s.ResponseWriter.(http.Flusher).Flush()
		<-s.until
		err = http.ErrAbortHandler
	}
	return n, err
}

// TestStalledOriginBodiesLeaveRoom: bodies that have come to a standstill at the origin, wherever
// in a chunk, hold little more than what has come, so that other large files are read meanwhile.
func TestStalledOriginBodiesLeaveRoom(t *testing.T) {
	const others = 4
	f := origintest.File{Size: 6 << 20, ETag: `"1"`, Modified: origintest.Old, Header: maxAge("60")}
	for after, stalled := range map[int]int{0: 100, 10_000: 100, 300_000: 100,
		1_100_000: 40} { // so that what has come fits into the cache: nobody asks for it again
		t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
			n, o := fronting(t, proxy.Config{Memory: 64 << 20, FirstChunk: 32 << 10,
				MaxChunk: 1 << 20, Slab: 16 << 20})
			o.Handle("/stalled", stalling(f, after))
			o.Handle("/f", f.ServeHTTP)
			var wg sync.WaitGroup
			for i := range stalled {
				wg.Go(func() {
					resp, err := n.try(http.MethodGet, fmt.Sprint("/files/stalled?", i))
					if err != nil {
						t.Error(err)
						return
					}
					t.Cleanup(func() { resp.Body.Close() })
					if _, err := io.CopyN(&origintest.Verifier{}, resp.Body,
						int64(after)); err != nil || resp.StatusCode != 200 {
						t.Errorf("%s, %v", resp.Status, err)
					}
				})
			}
			wg.Wait()
			for i := range others {
				wg.Go(func() {
					resp, err := n.try(http.MethodGet, fmt.Sprint("/files/f?", i))
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					v := &origintest.Verifier{}
					if _, err := io.Copy(v, resp.Body); err != nil || v.Off != f.Size ||
						resp.StatusCode != 200 {
						t.Errorf("%s, %d bytes, %v", resp.Status, v.Off, err)
					}
				})
			}
			wg.Wait()
			if amongPeers <= 1 {
				eventually(t, "only what has stalled is being read",
					func() bool { return n.Stats().LiveFills == int64(stalled) })
			}
		})
	}
}
