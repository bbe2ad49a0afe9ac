package fetch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// open returns the Origin of a site whose resources are at that URL, and what it logs.
func open(t *testing.T, host string) (*Origin, *strings.Builder) {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	lines := &strings.Builder{}
	log := zerolog.New(lines)
	base := &url.URL{Scheme: "http", Host: host, Path: "/"}
	return New(Config{
		Site: site.New(site.Config{Mount: "/", Base: base}), Origin: transport,
		Name: "scurry", Loop: "scurry-1", Now: time.Now, Log: &log,
		Streams: func(*store.Record) bool { return false },
	}), lines
}

// serving is an Origin whose requests h answers.
func serving(t *testing.T, h http.HandlerFunc) *Origin {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o, _ := open(t, server.Listener.Addr().String())
	return o
}

// raw is the address of a listener that answers each request with that text.
func raw(t *testing.T, text string) string {
	t.Helper()
	l := origintest.Listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					io.WriteString(c, text)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestFailures: what brings no answer is a failure with the type that RFC 9209 has for it, and is
// counted and logged once.
func TestFailures(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	const bad = "http_protocol_error"
	for _, c := range []struct{ name, answer, kind string }{
		{"nobody listens", "", "connection_refused"},
		{"no answer", "", "connection_terminated"},
		{"half a head", "HTTP/1.1 200 OK\r\nAge: 1\r\n", "connection_terminated"},
		{"broken off", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "connection_terminated"},
		{"no HTTP", "220 ready\r\n", bad},
		{"no status", "HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n", bad},
		{"framing", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na", bad},
		{"unasked 304", "HTTP/1.1 304 Not Modified\r\n\r\n", bad},
		{"unasked part", "HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n" +
			"Content-Range: bytes 1-1/2\r\n\r\na", bad},
		{"unasked switch", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n" +
			"Connection: upgrade\r\n\r\n", bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := closed.Addr().String()
			if c.name != "nobody listens" {
				host = raw(t, c.answer)
			}
			o, lines := open(t, host)
			f, err := o.Fetch(t.Context(), &store.Request{Key: "a",
				Fields: store.Fields{Proto: "HTTP/1.1"}}, nil)
			failure, ok := errors.AsType[*store.Failure](err)
			if f != nil || !ok || failure.Status != 502 || failure.Kind != c.kind {
				t.Errorf("%+v, %#v: %v", f, err, err)
			}
			if n := strings.Count(lines.String(), "\n"); n != 1 || o.Counts().Requests != 1 {
				t.Errorf("%d requests were counted, and logged:\n%s", o.Counts().Requests, lines)
			}
		})
	}
}

// TestBrokenOffIsAskedForAgain: a body that breaks before its first byte is asked for once more if
// it could be resumed.
func TestBrokenOffIsAskedForAgain(t *testing.T) {
	o, _ := open(t, raw(t, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\n"+
		"Date: Sun, 22 Nov 2026 15:07:27 GMT\r\nContent-Length: 5\r\n\r\n"))
	_, err := o.Fetch(t.Context(), &store.Request{Key: "a",
		Fields: store.Fields{Proto: "HTTP/1.1"}}, nil)
	if err == nil || o.Counts().Requests != 2 {
		t.Errorf("%v after %d requests", err, o.Counts().Requests)
	}
}

// TestWhatIsSent: of a client's fields, the origin gets those that may decide what is stored for
// all.
func TestWhatIsSent(t *testing.T) {
	var sent http.Header
	o := serving(t, func(_ http.ResponseWriter, r *http.Request) { sent = r.Header })
	client := http.Header{
		"Accept": {"*/*"}, "Connection": {"X-Hop"}, "X-Hop": {"1"}, "Range": {"bytes=0-0"},
		"If-Range": {`"1"`}, "If-None-Match": {`"1"`}, "If-Modified-Since": {"x"},
		"X-Forwarded-Host": {"evil"}, "Via": {"1.0 front"},
		"Cache-Control": {"max-age=0"}, "Cdn-Loop": {"front"},
	}
	credentials := client.Clone()
	credentials.Set("Authorization", "Basic YTpi")
	from := http.Header{"Forwarded": {"for=192.0.2.1"}}
	for _, c := range []struct {
		name string
		req  store.Request
		want map[string]string // "" is for a field that isn't sent
	}{
		{"for all", store.Request{Fields: store.Fields{Header: client, From: from}},
			map[string]string{
				"Accept": "*/*", "X-Hop": "", "Range": "", "If-Range": "", "If-None-Match": "",
				"If-Modified-Since": "", "X-Forwarded-Host": "", "Via": "1.0 front,1.1 scurry",
				"Cdn-Loop": "front,scurry-1", "Cache-Control": "max-age=0", "Forwarded": "",
			}},
		{"in the background", store.Request{Fields: store.Fields{Header: client}, Background: true},
			map[string]string{
				"Cache-Control": "", "Accept": "*/*",
			}},
		{"for a part", store.Request{Fields: store.Fields{Header: client}, Ranged: true},
			map[string]string{
				"Range": "bytes=0-0", "If-Range": "",
			}},
		{"for one", store.Request{Fields: store.Fields{Header: credentials, From: from}},
			map[string]string{
				"Authorization": "Basic YTpi", "Forwarded": "for=192.0.2.1", "X-Forwarded-Host": "",
			}},
	} {
		c.req.Key, c.req.Proto = "a", "HTTP/1.1"
		f, err := o.Fetch(t.Context(), &c.req, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		f.Body.Close()
		for name, want := range c.want {
			if got := strings.Join(sent[name], ","); got != want {
				t.Errorf("%s: %s: %q, want %q", c.name, name, got, want)
			}
		}
	}
	if !o.Looped(sent) || o.Looped(client) {
		t.Error("a request that comes back isn't told from one that doesn't")
	}
}

// TestNotModified: a 304 renews what it is about. If that is nothing that is stored, the origin is
// asked again, for all of it.
func TestNotModified(t *testing.T) {
	var asked []string
	names := `"1"`
	o := serving(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("If-None-Match"))
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Header.Get("If-None-Match") != "" {
			w.Header().Set("ETag", names)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "nuts")
	})
	prev := store.NewRecord()
	prev.Key, prev.Status, prev.Length = "a", http.StatusOK, 4
	head := &httpcache.Response{Status: http.StatusOK, Header: http.Header{
		"Etag": {`"1"`}, "Date": {"Sun, 22 Nov 2026 15:07:27 GMT"},
	}}
	o.Describe(prev, nil, head)
	facts := o.Site.Policy.Facts(head)
	prev.Facts = facts
	req := &store.Request{Key: "a", Fields: store.Fields{Proto: "HTTP/1.1"}}
	informed := 0
	req.Inform = func(int, http.Header) { informed++ }
	f, err := o.Fetch(t.Context(), req, prev)
	says := func() string { return f.Record.Fields().Get("Cache-Control") }
	if err != nil || !f.Renewed || !f.Storable || says() != "max-age=60" {
		t.Fatalf("%+v, %v", f, err)
	}
	names = `"2"`
	if f, err = o.Fetch(t.Context(), req, prev); err != nil || f.Renewed || !f.Storable {
		t.Fatalf("%+v, %v", f, err)
	}
	f.Body.Close()
	if got := strings.Join(asked, "|"); got != `"1"|"1"|` || informed != len(asked) {
		t.Errorf("the origin was asked with %s, and %d interim responses were passed on", got,
			informed)
	}
}

// TestJudgedAsStored: whether a response is stored is what Judge says of its head.
func TestJudgedAsStored(t *testing.T) {
	for _, c := range []struct {
		status   int
		span     string // Content-Range
		tag, rng string
		storable bool
		as       int
	}{
		{200, "", "", "", true, 200},
		{500, "", "", "", false, 500},
		{206, "bytes 0-3/9", `"1"`, "bytes=0-3", true, 200},
		{206, "bytes 0-3/9", `"1"`, "bytes=5-8", true, 200}, // a part of the whole
		{206, "bytes 0-3/9", "", "bytes=1-2", true, 200},    // answers its like
		{206, "bytes 0-3/9", "", "bytes=5-8", false, 206},
		{206, "bytes 0-4/9", `"1"`, "bytes=0-3", false, 206}, // contradicts the content
		{206, "", `"1"`, "bytes=0-3", false, 206},
	} {
		o := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Cache-Control", "max-age=60")
			if c.status == 500 {
				h.Set("Cache-Control", "no-store")
			}
			if c.tag != "" { // and which is settled
				h.Set("ETag", c.tag)
				h.Set("Last-Modified", "Sun, 01 Nov 2026 15:07:27 GMT")
			}
			if c.span != "" {
				h.Set("Content-Range", c.span)
			}
			h.Set("Content-Length", "4")
			w.WriteHeader(c.status)
			fmt.Fprint(w, "nuts")
		})
		request := http.Header{"Range": {c.rng}}
		if c.rng == "" {
			request = http.Header{}
		}
		req := &store.Request{Key: "a", Fields: store.Fields{Proto: "HTTP/1.1", Header: request},
			Ranged: c.rng != ""}
		f, err := o.Fetch(t.Context(), req, nil)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		f.Body.Close()
		head, length, err := o.Probe(t.Context(), http.MethodGet, "a", request)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		storable, reason := o.Judge(request, head, length)
		if f.Storable != c.storable || storable != c.storable ||
			(reason == httpcache.ReasonPartial) != (c.as == 206) {
			t.Errorf("%+v: stored %t, judged %t, %q", c, f.Storable, storable, reason)
		}
	}
}
