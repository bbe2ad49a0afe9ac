package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestNoRoom: when the origin stalls in the midst of so many large files that there is no room for
// another one, who wants one is told after a while to come again later, and the log tells why. What
// is held is served, and once there is room, so is the rest.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("clients wait for ten seconds")
	}
	const size, clients, first = 3 << 20, 40, 10
	// a byte less than where a chunk ends: no more room than that is given back
	const nearlyChunk = 2<<20 - 1
	age := http.Header{"Cache-Control": {"max-age=600"}}
	large := origintest.File{Size: size, ETag: `"1"`, Modified: origintest.Old, Header: age}
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	o := origintest.New(t)
	// with its record, so that it isn't evicted
	o.Handle("/held", origintest.File{Size: 500, ETag: `"1"`, Modified: origintest.Old,
		Header: age}.ServeHTTP)
	o.Handle("/stalled", func(w http.ResponseWriter, r *http.Request) {
		large.ServeHTTP(&stalling{ResponseWriter: w, left: nearlyChunk, goOn: goOn,
			gone: r.Context().Done()}, r)
	})
	s := startScurry(t, nil, "--memory=16MiB", "--slab=8MiB", "--origin", o.URL)
	download(t, s.url+"held", 500)

	var done sync.WaitGroup
	refusals, answered := make(chan string, clients), make(chan struct{}, clients)
	for i := range clients {
		// these have taken the room, or wait for more of it: no other gets any before them
		if i == first {
			for range first {
				<-answered
			}
		}
		done.Go(func() {
			url := fmt.Sprint(s.url, "stalled?", i)
			resp, err := http.Get(url)
			answered <- struct{}{}
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			switch {
			case resp.StatusCode == http.StatusServiceUnavailable &&
				resp.Header.Get("Retry-After") != "" &&
				resp.Header.Get("Cache-Control") == "no-store":
				refusals <- url
			case resp.StatusCode == http.StatusOK:
				v := &origintest.Verifier{}
				if n, err := io.Copy(v, resp.Body); err != nil || n != size {
					t.Errorf("%s: %d bytes, %v", url, n, err)
				}
			default:
				t.Errorf("%s: %s %v", url, resp.Status, resp.Header)
			}
		})
	}
	var refused string
	select {
	case refused = <-refusals:
	case <-time.After(time.Minute):
		t.Fatal("nobody is refused")
	}
	download(t, s.url+"held", 500)
	release()
	done.Wait()
	download(t, refused, size)
	if !eventually(func() bool { return s.tellsOfNoRoom() == len(refusals)+1 }) {
		t.Errorf("the log tells of %d refusals, of %d", s.tellsOfNoRoom(), len(refusals)+1)
	}
}

// tellsOfNoRoom is how many requests the log says there was no room for.
func (s *scurry) tellsOfNoRoom() (n int) {
	for _, line := range s.log.all() {
		if line["message"] == "request" && line["status"] == float64(http.StatusServiceUnavailable) && line["level"] == "warn" &&
			line["error"] == "too many bodies are being read from the origin" {
			n++
		}
	}
	return n
}

// stalling lets so many bytes through, and the others once it is to go on.
type stalling struct {
	http.ResponseWriter
	left       int
	goOn, gone <-chan struct{}
}

func (s *stalling) Write(b []byte) (int, error) {
	if len(b) <= s.left {
		s.left -= len(b)
		return s.ResponseWriter.Write(b)
	}
	n, _ := s.ResponseWriter.Write(b[:s.left])
	http.NewResponseController(s.ResponseWriter).Flush()
	select {
	case <-s.goOn:
	case <-s.gone:
	}
	s.left = 1 << 30
	more, err := s.Write(b[n:])
	return n + more, err
}
