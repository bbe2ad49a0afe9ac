// Package origintest is an HTTP origin for tests that follows a script and counts what it is asked.
//
// A test gives each path a handler, by hand or with File; requests come in over a real socket, and
// the origin's log of them comes out. The test owns the Origin's lifetime through its testing.TB.
package origintest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Origin is a counting HTTP server on loopback. Its methods may be called concurrently.
type Origin struct {
	*httptest.Server
	Base *url.URL         // ends in a slash
	Now  func() time.Time // for Date; to be set before the first request, or nil for the real time

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc // guarded by mu, as are requests
	requests []Request
}

// Request is what an origin was asked.
type Request struct {
	Method, URI, Host string
	Header            http.Header
}

// New starts an origin, which is closed when the test ends.
func New(tb testing.TB) *Origin {
	tb.Helper()
	o := &Origin{handlers: map[string]http.HandlerFunc{}}
	o.Server = &httptest.Server{
		Listener: Listen(tb),
		Config:   &http.Server{Handler: http.HandlerFunc(o.serve), ConnContext: narrow},
	}
	o.Start()
	tb.Cleanup(func() {
		o.CloseClientConnections()
		o.Close()
	})
	o.Base, _ = url.Parse(o.URL + "/")
	return o
}

// narrow bounds what the system keeps of c's responses until they are read. Without a bound,
// hundreds of connections that nobody reads from take all its memory for TCP: then it drops what
// is sent on others.
func narrow(ctx context.Context, c net.Conn) context.Context {
	_ = c.(*net.TCPConn).SetWriteBuffer(128 << 10) // twice as much, with its own
	return ctx
}

func (o *Origin) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.requests = append(o.requests, Request{r.Method, r.RequestURI, r.Host, r.Header.Clone()})
	h := o.handlers[r.URL.EscapedPath()]
	o.mu.Unlock()
	if o.Now != nil {
		w.Header().Set("Date", o.Now().UTC().Format(http.TimeFormat))
	}
	if h == nil {
		h = http.NotFound
	}
	h(w, r)
}

// Handle makes h answer for the escaped path, which begins with a slash.
func (o *Origin) Handle(path string, h http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handlers[path] = h
}

// Requests returns what the origin has been asked, in the order of arrival.
func (o *Origin) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.requests)
}

// Count is how many requests the origin has got.
func (o *Origin) Count() int { return len(o.Requests()) }

// Forget empties the log of requests.
func (o *Origin) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = nil
}

// File describes a representation. Its content is Content(Seed, Size).
type File struct {
	Size     int64
	Seed     byte
	ETag     string      // with its quotes; none if empty
	Modified time.Time   // none if zero
	Header   http.Header // more fields
	NoRanges bool        // the origin ignores Range
	Chunked  bool        // the length isn't sent
}

// Old is a time of modification long ago.
var Old = time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)

// ServeHTTP answers as a well-behaved file server does.
func (f File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	maps.Copy(h, f.Header)
	if f.ETag != "" {
		h.Set("Etag", f.ETag)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	if f.NoRanges || f.Chunked {
		r.Header.Del("Range")
		r.Header.Del("If-Range")
	}
	if f.Chunked {
		w = chunked{w}
	}
	content := io.NewSectionReader(pattern(f.Seed), 0, f.Size)
	http.ServeContent(w, r, "", f.Modified, content)
}

// chunked hides the length.
type chunked struct{ http.ResponseWriter }

func (c chunked) WriteHeader(status int) {
	c.Header().Del("Content-Length")
	c.Header().Del("Accept-Ranges")
	c.ResponseWriter.WriteHeader(status)
	c.ResponseWriter.(http.Flusher).Flush()
}

// Content returns the bytes [start, end) of what a File with that seed consists of.
func Content(seed byte, start, end int64) []byte {
	b := make([]byte, end-start)
	pattern(seed).ReadAt(b, start)
	return b
}

// at is the pattern's byte at off: no chunk is like another, and none of one seed like one of
// another.
//
//go:norace
func at(seed byte, off int64) byte { return byte(eight(seed, off) >> (8 * (off & 7))) }

// eight are the eight bytes that off lies among, whose first is at a multiple of eight.
//
//go:norace
func eight(seed byte, off int64) uint64 {
	return (uint64(off)>>3+1)*0x9E3779B97F4A7C15 ^ uint64(seed)*0x0101010101010101
}

// pattern is the content, without an end. It takes no memory.
type pattern byte

// ReadAt and Verifier's Write are without the race detector: with it they took most of the time of
// tests that read gigabytes, and the memory is their callers' own.
//
//go:norace
func (seed pattern) ReadAt(b []byte, off int64) (int, error) {
	i := 0
	for ; i < len(b) && (off+int64(i))%8 != 0; i++ {
		b[i] = at(byte(seed), off+int64(i))
	}
	for ; len(b)-i >= 8; i += 8 { // eight at once: tests read gigabytes
		binary.LittleEndian.PutUint64(b[i:], eight(byte(seed), off+int64(i)))
	}
	for ; i < len(b); i++ {
		b[i] = at(byte(seed), off+int64(i))
	}
	return len(b), nil
}

// Verifier is a writer that checks that what it gets is a File's content from Off on.
type Verifier struct {
	Seed  byte
	Off   int64
	Wrong bool // a byte was
}

// Write fails at the first wrong byte.
//
//go:norace
func (v *Verifier) Write(b []byte) (int, error) {
	for i := 0; i < len(b); {
		if v.Off%8 == 0 && len(b)-i >= 8 &&
			binary.LittleEndian.Uint64(b[i:]) == eight(v.Seed, v.Off) {
			i, v.Off = i+8, v.Off+8
			continue
		}
		if b[i] != at(v.Seed, v.Off) {
			v.Wrong = true
			return i, fmt.Errorf("wrong byte at %d", v.Off)
		}
		i++
		v.Off++
	}
	return len(b), nil
}

// Ranges are the Range fields of the requests, "" for those without.
func Ranges(requests []Request) string {
	var list []string
	for _, r := range requests {
		list = append(list, strings.TrimPrefix(r.Header.Get("Range"), "bytes="))
	}
	return strings.Join(list, " ")
}
