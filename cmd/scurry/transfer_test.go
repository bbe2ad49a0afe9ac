package main

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// pausing is a ResponseWriter that stops after some bytes until it may go on.
type pausing struct {
	http.ResponseWriter
	sent, at int
	until    <-chan struct{}
}

// Flush is http.Flusher's.
func (p *pausing) Flush() { p.ResponseWriter.(http.Flusher).Flush() }

func (p *pausing) Write(b []byte) (n int, err error) {
	if first := min(len(b), p.at-p.sent); first > 0 {
		n, err = p.ResponseWriter.Write(b[:first])
		p.Flush()
		if p.sent += n; p.sent < p.at || err != nil {
			return n, err
		}
		<-p.until
	}
	rest, err := p.ResponseWriter.Write(b[n:])
	return n + rest, err
}

// pause makes the origin send path, which is file, only up to at, until the func that it returns is
// called. Parts of it are sent at once.
func (f *fleet) pause(t *testing.T, path string, file origintest.File, at int) (goOn func()) {
	until := make(chan struct{})
	f.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			w = &pausing{ResponseWriter: w, at: at, until: until}
		}
		file.ServeHTTP(w, r)
	})
	goOn = sync.OnceFunc(func() { close(until) })
	t.Cleanup(goOn) // before the origin's end, which waits for its answers
	return goOn
}

// transfer is an answer that is being read.
type transfer struct {
	resp *http.Response
	v    origintest.Verifier
}

// begin asks m for path, and reads the first bytes, so many.
func (f *fleet) begin(t *testing.T, m *member, path string, file origintest.File,
	bytes int64) *transfer {
	t.Helper()
	resp := f.get(t, m, path)
	t.Cleanup(func() { resp.Body.Close() })
	b := &transfer{resp: resp, v: origintest.Verifier{Seed: file.Seed}}
	if _, err := io.CopyN(&b.v, resp.Body, bytes); err != nil {
		t.Fatalf("%s: %s, %v", m.url(path), resp.Status, err)
	}
	return b
}

// finish reads the rest, of which there should be file. What is read must be right in any case; the
// error tells that it was cut, and that the client knows.
func (b *transfer) finish(t *testing.T, file origintest.File) (cut error) {
	t.Helper()
	defer b.resp.Body.Close()
	_, err := io.Copy(&b.v, b.resp.Body)
	if b.v.Wrong || (err == nil && b.v.Off != file.Size) {
		t.Errorf("%s: got %d of %d bytes, %v", b.resp.Request.URL, b.v.Off, file.Size, err)
	}
	return err
}
