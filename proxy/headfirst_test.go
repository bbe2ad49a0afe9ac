package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestHeadLeavesBeforeTheBody: a client has the head while the origin waits for the test before it
// sends the first byte of the body, whatever is done with the response and through whichever node.
func TestHeadLeavesBeforeTheBody(t *testing.T) {
	oneNode(t) // it makes its own clusters
	events := http.Header{"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"}}
	for name, kind := range map[string]struct {
		method string
		fields []string
		header http.Header
		length int64
	}{
		"stored":             {"GET", nil, maxAge("60"), 10},
		"stored, chunked":    {"GET", nil, maxAge("60"), -1},
		"an event stream":    {"GET", nil, events, -1},
		"unstored":           {"GET", nil, http.Header{"Cache-Control": {"no-store"}}, 10},
		"no-store, asked":    {"GET", []string{"Cache-Control: no-store"}, maxAge("60"), 10},
		"POST":               {"POST", nil, nil, -1},
		"one with authority": {"GET", []string{"Authorization: Basic eDp5"}, maxAge("60"), 10},
	} {
		t.Run(name, func(t *testing.T) {
			single, o := fronting(t, proxy.Config{})
			c := newCluster(t, 3, proxy.Config{})
			for i, n := range append(c.nodes, single) {
				origin, path := c.o, fmt.Sprint("/", i)
				if n == single {
					origin = o
				}
				for range 2 { // the second one knows that it isn't stored, if it isn't
					more := make(chan int64)
					origin.Handle(path, drip(7, kind.length, kind.header, more))
					resp := n.do(kind.method, "/files"+path, kind.fields...)
					if !strings.Contains(resp.Header.Get("Cache-Status"), "; hit") {
						more <- 10
					}
					close(more)
					receive(t, resp.Body, 0, 10)
					if _, b := n.read(resp); len(b) > 0 {
						t.Errorf("%q after the end", b)
					}
				}
			}
		})
	}
}

// brokenBody yields some bytes, then an error or a panic.
type brokenBody struct {
	io.Reader
	err error
}

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != io.EOF {
		return n, err
	}
	if b.err == nil {
		panic("bug of the body")
	}
	return n, b.err
}

func (b brokenBody) Close() error { return nil }

// TestOddAnswersOfARoundTripper: whatever an embedder's RoundTripper says, clients get a status
// that HTTP knows, on all ways.
func TestOddAnswersOfARoundTripper(t *testing.T) {
	oneNode(t) // its origin is asked by this process alone
	var answer atomic.Pointer[http.Response]
	n := newNode(t, proxy.Config{Origin: roundTrip(func(*http.Request) (*http.Response, error) {
		a := *answer.Load()
		a.Header = a.Header.Clone()
		return &a, nil
	})})
	body := func(text string, err error) io.ReadCloser {
		return brokenBody{strings.NewReader(text),
			err}
	}
	broken := errors.New("it breaks")
	for i, a := range []*http.Response{
		{StatusCode: 0}, {StatusCode: 99}, {StatusCode: 100}, {StatusCode: 103}, {StatusCode: 600},
		{StatusCode: 1000}, {StatusCode: -1},
		{StatusCode: 304}, {StatusCode: 206, ContentLength: 2, Body: body("ab", io.EOF)},
		{StatusCode: 200, ContentLength: 5, Body: body("", broken)},
		{StatusCode: 200, ContentLength: 5, Body: body("ab", broken)},
		{StatusCode: 200, ContentLength: -1, Body: body("ab", io.ErrUnexpectedEOF)},
		{StatusCode: 200, ContentLength: -1, Body: body("ab", nil)},
	} {
		for _, cc := range []string{"max-age=60", "no-store"} {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				if method == "HEAD" && a.Body != nil && a.StatusCode == 200 {
					continue // which has none
				}
				with := *a
				with.Header = http.Header{"Cache-Control": {cc}}
				answer.Store(&with)
				resp, b := n.read(n.do(method, fmt.Sprint("/files/", i, cc, method)))
				if resp.StatusCode != http.StatusBadGateway ||
					resp.Header.Get("Proxy-Status") == "" || strings.Contains(string(b), "breaks") {
					t.Errorf("%s, %s, answer %d: status %d, %v, %q", method, cc, i, resp.StatusCode,
						resp.Header, b)
				}
			}
		}
	}
	if s := n.Stats(); s.Records != 0 {
		t.Errorf("%d records", s.Records)
	}
	answer.Store(&http.Response{StatusCode: http.StatusOK}) // which is short, but whole
	for _, method := range []string{"GET", "HEAD", "POST"} {
		if resp, b := n.read(n.do(method, "/files/"+method)); resp.StatusCode != http.StatusOK ||
			len(b) > 0 {
			t.Errorf("%s: status %d, %q", method, resp.StatusCode, b)
		}
	}
}

// TestOddAnswerToARangeOfOurs: what comes instead of a part that was asked for is no answer either.
func TestOddAnswerToARangeOfOurs(t *testing.T) {
	for _, status := range []int{600, 999, http.StatusNotModified, http.StatusPartialContent} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			f := origintest.File{Size: 3 * slab, ETag: `"1"`, Modified: origintest.Old,
				Header: maxAge("60")}
			o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				if start := r.Header.Get("Range"); start != "" && !strings.HasPrefix(start,
					"bytes=0-") {
					if status == http.StatusPartialContent { // and that is all that comes
						f.ServeHTTP(headOnly{w}, r)
						panic(http.ErrAbortHandler)
					}
					w.WriteHeader(status)
					return
				}
				f.ServeHTTP(w, r)
			})
			resp, b := n.get("/files/f", fmt.Sprintf("Range: bytes=%d-%d", 2*slab, 2*slab+9))
			switch resp.StatusCode {
			case http.StatusBadGateway:
			case http.StatusPartialContent:
				if string(b) != string(origintest.Content(0, 2*slab, 2*slab+10)) {
					t.Errorf("%q", b)
				}
			default:
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
}

// headOnly is a writer that sends the head and forgets the content.
type headOnly struct{ http.ResponseWriter }

func (w headOnly) WriteHeader(status int) {
	w.ResponseWriter.WriteHeader(status)
	w.ResponseWriter.(http.Flusher).Flush()
}

func (w headOnly) Write(b []byte) (int, error) { return len(b), nil }

// TestUndatedResponseIsAsOldAsItsArrival: the time within the second in which it arrives is no age
// of it.
func TestUndatedResponseIsAsOldAsItsArrival(t *testing.T) {
	now := newClock()
	now.Advance(999 * time.Millisecond)
	var dated atomic.Value
	n := newNode(t, proxy.Config{Now: now.Now,
		Origin: roundTrip(func(r *http.Request) (*http.Response, error) {
			h := http.Header{"Cache-Control": {"max-age=1"}, "Etag": {`"1"`}}
			if date, ok := dated.Load().(string); ok {
				h["Date"] = []string{date}
			}
			if r.Header.Get("If-None-Match") != "" {
				return &http.Response{StatusCode: http.StatusNotModified, Header: h}, nil
			}
			return &http.Response{StatusCode: http.StatusOK, Header: h, ContentLength: 4,
				Body: io.NopCloser(strings.NewReader("nuts"))}, nil
		})})
	for _, way := range []string{"fwd-status=200", "fwd-status=304"} {
		n.cacheStatus(n.expect(200, []byte("nuts"), "/files/f"), way)
		now.Advance(990 * time.Millisecond)
		resp := n.expect(200, []byte("nuts"), "/files/f")
		n.cacheStatus(resp, "hit; ttl=1")
		if age, date := resp.Header.Get("Age"), resp.Header.Get("Date"); age != "0" || date == "" {
			t.Errorf("Age %q, Date %q", age, date)
		}
		now.Advance(11 * time.Millisecond)
	}
	// A Date is what the response's age counts from (RFC 9111 section 4.2.3).
	dated.Store(now.Now().UTC().Format(http.TimeFormat))
	n.cacheStatus(n.expect(200, []byte("nuts"), "/files/dated"), "fwd-status=200")
	now.Advance(time.Second - time.Duration(now.Now().Nanosecond()))
	n.cacheStatus(n.expect(200, []byte("nuts"), "/files/dated"), "fwd=stale")
}
