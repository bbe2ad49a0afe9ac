package proxy_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/race"
	"github.com/scurrycache/scurry/proxy"
)

// lanes is a node that is served twice: with the fast lane and without.
type lanes struct {
	*node
	addresses [2]string // with the lane, and without
	book      *logbook
}

var laneNames = [...]string{"the fast lane", "net/http"}

func newLanes(t testing.TB) *lanes { return newLanesOf(t, proxy.Config{}) }

func newLanesOf(t testing.TB, cfg proxy.Config) *lanes {
	t.Helper()
	oneNode(t)
	l := &lanes{book: new(logbook)}
	logger, now := zerolog.New(l.book), newClock()
	cfg.Logger, cfg.Now = &logger, now.Now
	n, o := fronting(t, cfg)
	l.node = n
	fresh := func(more ...string) http.Header {
		h := maxAge("60000")
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	status := func(code int, h http.Header) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), h)
			w.WriteHeader(code)
			if code != http.StatusNoContent {
				fmt.Fprintln(w, code)
			}
		}
	}
	etag, asked := `"1"`, 0
	for path, h := range map[string]http.HandlerFunc{
		"/small": origintest.File{Size: 100, ETag: etag, Modified: origintest.Old,
			Header: fresh()}.ServeHTTP,
		"/two": origintest.File{Size: 1500, ETag: etag, Header: fresh()}.ServeHTTP,
		"/most": origintest.File{Size: most, ETag: etag, Header: fresh("Cache-Status",
			"upstream; hit", "Warning", "1"), Seed: 3}.ServeHTTP,
		"/large": origintest.File{Size: 5*slab + 7, ETag: etag, Header: fresh()}.ServeHTTP,
		"/empty": origintest.File{ETag: etag, Header: fresh()}.ServeHTTP,
		"/weak": origintest.File{Size: 700, ETag: `W/"1"`, Header: fresh("Content-Type",
			"text/html")}.ServeHTTP,
		"/untagged": origintest.File{Size: 700, Modified: origintest.Old,
			Header: fresh()}.ServeHTTP,
		"/chunked": origintest.File{Size: 700, ETag: etag, Chunked: true,
			Header: fresh()}.ServeHTTP,
		"/language": origintest.File{Size: 700, ETag: etag, Header: fresh("Vary",
			"Accept-Language")}.ServeHTTP,
		"/cookie": origintest.File{Size: 700, ETag: etag, Header: fresh("Vary",
			"Cookie")}.ServeHTTP,
		"/stale": origintest.File{Size: 700, ETag: etag, Header: maxAge("0")}.ServeHTTP,
		"/private": origintest.File{Size: 700, ETag: etag,
			Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP,
		"/gone":    status(http.StatusGone, fresh()),
		"/moved":   status(http.StatusMovedPermanently, fresh("Location", "/small")),
		"/nothing": status(http.StatusNoContent, fresh()),
		"/odd":     status(299, fresh()),
		"/ranged": origintest.File{Size: 700, ETag: etag, Header: fresh("Content-Range",
			"bytes 0-4/10")}.ServeHTTP,
		"/refused": status(http.StatusRequestedRangeNotSatisfiable, fresh()),
	} {
		o.Handle(path, h)
		for range 2 { // now what can be stored is
			n.get("/files" + path)
			asked++
		}
	}
	eventually(t, "all is logged", func() bool { return len(l.book.lines(t, "request")) == asked })
	l.addresses[0] = served(t, &http.Server{Handler: n.Proxy}, n.Lane())
	l.addresses[1] = served(t, &http.Server{Handler: n.Proxy}, nil)
	return l
}

// served is the address of a server with that lane.
func served(t testing.TB, h *http.Server, lane listen.Lane) string {
	t.Helper()
	s := listen.New(origintest.Listen(t), h, lane, 0, zerolog.Nop())
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Drain(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String()
}

// ended is a request whose response is the last one on its connection.
const ended = "GET /files/small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// talk sends pieces to a server, and then a last request, and returns the responses: each with its
// status, its fields and its content.
func talk(t testing.TB, address string, pieces [][]byte) (responses []string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pieces = append(slices.Clip(pieces), []byte(ended))
	go func() {
		for _, p := range pieces {
			if _, err := c.Write(p); err != nil {
				return // the server has had enough
			}
		}
	}()
	// What isn't plain may make the server wait for a body that doesn't come.
	stuck := time.AfterFunc(time.Second, func() { _ = c.(*net.TCPConn).CloseWrite() })
	defer stuck.Stop()
	text := bytes.Join(pieces, nil)
	methods, r := bufio.NewReader(bytes.NewReader(text)), bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(methods)
		if err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			return responses
		}
		content, err := io.ReadAll(resp.Body)
		if resp.Header.Get("Date") != "" {
			resp.Header.Set("Date", "a date")
		}
		shown := fmt.Sprint(resp.Status, resp.Proto, resp.Header, resp.ContentLength,
			resp.TransferEncoding, resp.Close, resp.Trailer, string(content), err)
		if _, b, ok := strings.Cut(resp.Header.Get("Content-Type"), "boundary="); ok {
			shown = strings.ReplaceAll(shown, b, "a boundary")
		}
		responses = append(responses, shown)
	}
}

// same fails unless both servers answer pieces alike, once what can be stored is.
func (l *lanes) same(t testing.TB, pieces [][]byte) {
	t.Helper()
	talk(t, l.addresses[1], pieces)
	// What has been sent may be held a moment later, and is partial until then.
	eventually(t, "all is held", func() bool { return l.Stats().OriginInFlight == 0 })
	fast, slow := talk(t, l.addresses[0], pieces), talk(t, l.addresses[1], pieces)
	if !slices.Equal(fast, slow) {
		t.Errorf("%q:\n%.200q\nand by net/http\n%.200q", pieces, fast, slow)
	}
}

var laneTargets = []string{
	"/files/small", "/files/two", "/files/most", "/files/large", "/files/empty", "/files/weak",
	"/files/untagged", "/files/chunked", "/files/language", "/files/cookie", "/files/stale",
	"/files/private", "/files/gone", "/files/moved", "/files/nothing", "/files/odd",
	"/files/ranged", "/files/refused",
	"/files/small?", "/files/small?a=b&c", "/files/missing", "/files/", "/files", "/",
	"/zk?key=small",
	"/zk?key=", "/zk?key=small&a=b", "/zk?key=sm+all", "/zk?key=./small", "/zk?key=%73mall", "/zk",
	"/zk/?key=small", "/zk?key=small?a",
	"/files/%73mall", "/files/small%2F", "/files/../small", "/files/x/./small", "/files//small",
	"/files/sm\"all", "/files/small#a", "http://a/files/small", "*", "/files/\\small",
	"/files/a:b@c",
	"/files/sm\xc3\xa9", "//files/small", "/files/small%00", "/files/small;a",
}

var laneFields = []string{
	"Accept: */*", "User-Agent: a b", "accept-encoding: gzip", "Accept-Language: de",
	"Accept-Language: en",
	"Range: bytes=0-9", "Range: bytes=90-", "Range: bytes=-5", "Range: bytes=500-2000",
	"Range: bytes=9999999-", "Range: bytes=0-1,5-6",
	"Range: lines=1", "RANGE: bytes=0-0", `If-None-Match: "1"`, `If-None-Match: W/"1", "2"`,
	"If-None-Match: *", `If-None-Match: "2"`,
	"If-Modified-Since: Sun, 02 Feb 2020 02:02:02 GMT", "If-Modified-Since: x", `If-Range: "1"`,
	`If-Range: "2"`, `If-Match: "1"`,
	"Cookie: a=b", "Cookie: c", "Connection: keep-alive", "Connection: close",
	"Connection: Keep-Alive, Accept", "Connection: upgrade",
	"Cache-Control: no-cache", "Cache-Control: max-age=0", "Cache-Control: only-if-cached",
	"Pragma: no-cache", "Authorization: Basic YTpi",
	"Content-Length: 0", "Content-Length: 5", "Transfer-Encoding: chunked", "Expect: 100-continue",
	"Upgrade: websocket", "TE: trailers",
	"Via: 1.1 a", "X-Forwarded-For: 1.2.3.4", "Cdn-Loop: scurry", "Host: b", "Host: a:80",
	"Origin: http://a", "Priority: u=1",
	"X-Unknown: 1", "Accept : a", "Accept:a", "Accept:  a ", "Accept:\ta", "Accept:", ": a",
	"Accept", " folded", "Accept: a\x00b", "Accept: \xc3\xa9",
	sampled, unsampled, "Tracestate: x=y", "Traceparent: x", "Baggage: a=b",
	"Referer: http://a/b?c", "Keep-Alive: 5", "Proxy-Connection: keep-alive", "Max-Forwards: 0",
	"User-Agent: " + strings.Repeat("a", 3000),
}

// laneBody is a body for a request with those fields. One that is malformed would be found at the
// same time as the origin's answer.
func laneBody(fields []string) string {
	switch {
	case slices.Contains(fields, "Transfer-Encoding: chunked"):
		return "5\r\nhello\r\n0\r\n\r\n"
	case slices.Contains(fields, "Content-Length: 5"):
		return "hello"
	}
	return ""
}

// laneStream makes a stream of requests, most of which are plain ones with something odd now and
// then, in pieces.
func laneStream(rnd *rand.Rand) [][]byte {
	one := func(list []string, usual string, odds int) string {
		if rnd.IntN(odds) > 0 {
			return usual
		}
		return list[rnd.IntN(len(list))]
	}
	var b strings.Builder
	for range 1 + rnd.IntN(4) {
		end := one([]string{"\n", "\r\n ", "\r", "\r\r\n"}, "\r\n", 200)
		b.WriteString(one([]string{"\r\n", "\n", "\r", " "}, "", 60))
		b.WriteString(one([]string{"HEAD", "HEAD", "HEAD", "PURGE", ""}, "GET", 3))
		b.WriteString(one([]string{"  ", "\t", ""}, " ", 100))
		b.WriteString(one(laneTargets, laneTargets[rnd.IntN(18)], 4))
		b.WriteString(one([]string{" HTTP/1.0", " HTTP/1.1 ", " HTTP/2.0", " http/1.1", ""},
			" HTTP/1.1", 30) + end)
		fields := []string{one([]string{"Host:", "Host: a b", "host: a", "Host: a\r\nHost: a"},
			"Host: a", 30)}
		for range rnd.IntN(4) {
			fields = append(fields, laneFields[rnd.IntN(len(laneFields))])
		}
		rnd.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		b.WriteString(strings.Join(fields, end) + end + end)
		b.WriteString(laneBody(fields))
	}
	text := []byte(b.String())
	pieces := [][]byte{}
	for len(text) > 0 {
		n := len(text)
		if rnd.IntN(2) == 0 {
			n = 1 + rnd.IntN(n)
		}
		pieces, text = append(pieces, text[:n]), text[n:]
	}
	return pieces
}

// TestLanesAreAlike sends the same bytes to a server with the lane and to one without.
func TestLanesAreAlike(t *testing.T) {
	l := newLanes(t)
	n := 0
	for _, target := range laneTargets {
		for _, field := range append(laneFields, "Accept: b") {
			if n++; raceEnabled && n%10 != 0 {
				continue // one client at a time
			}
			l.same(t, [][]byte{[]byte("GET " + target + " HTTP/1.1\r\nHost: a\r\n" + field +
				"\r\n\r\n" + laneBody([]string{field}))})
		}
	}
	for _, method := range []string{"get", "GETS", "OPTIONS", "DELETE", "PUT"} {
		l.same(t, [][]byte{[]byte(method + " /files/gone HTTP/1.1\r\nHost: a\r\n\r\n")})
	}
	const plain = "GET /files/small HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, pieces := range [][]string{
		{"GET /files/small HTTP/1.1\r\nAccept: b\r\n\r\n"}, // without a Host
		{"\r", plain}, {"\r", "\n" + plain}, {plain + "\r", plain}, {plain + "\r\n", "\r\n", plain},
	} {
		var list [][]byte
		for _, p := range pieces {
			list = append(list, []byte(p))
		}
		l.same(t, list)
	}
	for seed := range uint64(race.Cases(2000)) {
		if l.same(t, laneStream(rand.New(rand.NewPCG(seed, 0)))); t.Failed() {
			t.Fatal("seed ", seed)
		}
	}
}

// FuzzLanes is TestLanesAreAlike with any bytes, of which the second piece begins at cut.
func FuzzLanes(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(bytes.Join(laneStream(rand.New(rand.NewPCG(seed, 1))), nil), uint(seed))
	}
	l := newLanes(f)
	f.Fuzz(func(t *testing.T, text []byte, cut uint) {
		at := min(int(cut%(1<<20)), len(text))
		l.same(t, [][]byte{text[:at], text[at:]})
	})
}

// laneClient is a connection to which all is sent at once.
type laneClient struct{ bytes.Buffer }

func (*laneClient) Remote() string { return "1.2.3.4:5" }

func (c *laneClient) Send(b *net.Buffers) (int64, error) { return b.WriteTo(&c.Buffer) }

// TestLaneTakes shows which requests the lane answers.
func TestLaneTakes(t *testing.T) {
	l := newLanes(t)
	const host = " HTTP/1.1\r\nHost: a\r\n"
	takes := map[string]bool{
		"GET /files/small" + host + "\r\n":                                    true,
		"GET /files/two" + host + "accept: */*\r\nUser-Agent: curl/8\r\n\r\n": true,
		"HEAD /files/large" + host + "\r\n":                                   true,
		"GET /files/large" + host + `If-None-Match: "1"` + "\r\n\r\n":         true,
		"GET /files/large" + host + "Range: bytes=200000-200999\r\n\r\n":      true,
		"GET /files/most" + host + "\r\n":                                     true,
		"GET /files/gone" + host + "\r\n":                                     true,
		"GET /files/moved" + host + "\r\n":                                    true,
		"GET /files/empty" + host + "Connection: keep-alive\r\n\r\n":          true,
		"GET /files/cookie" + host + "\r\n":                                   true,
		// it isn't stored
		"GET /files/small?a=b" + host + "\r\n":                        false,
		"GET /files/cookie" + host + "Cookie: a=b\r\n\r\n":            false,
		"GET /files/stale" + host + "\r\n":                            false,
		"GET /files/private" + host + "\r\n":                          false,
		"GET /files/small" + host + "Cache-Control: no-cache\r\n\r\n": false,
		"GET /files/small" + host + "Connection: close\r\n\r\n":       false,
		"GET /files/small" + host + "Content-Length: 0\r\n\r\n":       false,
		"GET /files/small" + host + "Accept: a\r\nAccept: b\r\n\r\n":  false,
		"GET /files/two" + host + "Range: bytes=0-0,2-3\r\n\r\n":      false,
		"GET /files/two" + host + "Range: bytes=2000-\r\n\r\n":        false,
		"POST /files/small" + host + "\r\n":                           false,
		// it isn't complete
		"GET /files/small" + host:                                           false,
		"GET /files/small HTTP/1.1\r\n\r\n":                                 false,
		"GET /files/small HTTP/1.0\r\nHost: a\r\n\r\n":                      false,
		"GET /files/small" + host + sampled + "\r\n\r\n":                    true,
		"GET /files/small" + host + sampled + "\r\n" + sampled + "\r\n\r\n": false,
		"GET /zk?key=small" + host + "\r\n":                                 true,
		"GET /zk?a=b&key=small" + host + "\r\n":                             false,
	}
	before := l.Stats().Hits
	for text, want := range takes {
		var c laneClient
		n, next, err := l.Lane().Serve(&c, []byte(text))
		if taken := n == len(text) && next == nil; err != nil || taken != want ||
			taken != (c.Len() > 0) ||
			n > 0 && !taken && next == nil {
			t.Errorf("%q: it takes %d bytes and sends %d, %v", text, n, c.Len(), err)
		}
		if want {
			before++
		}
	}
	if n := l.Stats().Hits; n != before {
		t.Errorf("%d hits, want %d", n, before)
	}
	plain := "GET /files/small" + host + "\r\n"
	var c laneClient
	if n, _, err := l.Lane().Serve(&c, []byte(plain+plain+"PUT")); n != 2*len(plain) || err != nil {
		t.Errorf("of two requests and a bit it takes %d bytes, %v", n, err)
	}
}

// TestLanesLogAlike holds the access log of the lane to that of net/http.
func TestLanesLogAlike(t *testing.T) {
	l := newLanes(t)
	requests := [][]byte{}
	for _, target := range laneTargets[:18] {
		for _, field := range []string{"User-Agent: a b", "Range: bytes=5-9",
			`If-None-Match: "1"`} {
			for _, method := range []string{"GET ", "HEAD "} {
				requests = append(requests, []byte(method+target+" HTTP/1.1\r\nHost: a\r\n"+field+
					"\r\n\r\n"))
			}
		}
	}
	var logs [2][]map[string]any
	for i, address := range l.addresses {
		l.book.clear()
		want := len(talk(t, address, requests))
		eventually(t, "all is logged", func() bool {
			return len(l.book.lines(t,
				"request")) == want
		})
		logs[i] = l.book.lines(t, "request")
		for _, line := range logs[i] {
			for _, name := range []string{"id", "remote", "duration_ms", "ttfb_ms"} {
				if line[name] == nil || line[name] == "" {
					t.Errorf("by %s, there is no %s: %v", laneNames[i], name, line)
				}
				delete(line, name)
			}
		}
	}
	for i, line := range logs[0] {
		if !reflect.DeepEqual(line, logs[1][i]) {
			fast, _ := json.Marshal(line)
			slow, _ := json.Marshal(logs[1][i])
			t.Errorf("%s\nand by net/http\n%s", fast, slow)
		}
	}
}

// TestLaneAllocates bounds what a hit allocates: nothing, but a key for each chunk after the first,
// and the lists of ranges.
func TestLaneAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l := newLanes(t)
	for request, most := range map[string]float64{
		"GET /files/small HTTP/1.1\r\nHost: a\r\n\r\n":                               0,
		"GET /files/small HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"1\"\r\n\r\n":       0,
		"HEAD /files/large HTTP/1.1\r\nHost: a\r\n\r\n":                              0,
		"GET /files/two HTTP/1.1\r\nHost: a\r\nUser-Agent: a\r\n\r\n":                1,
		"GET /files/large HTTP/1.1\r\nHost: a\r\nRange: bytes=200000-200999\r\n\r\n": 3,
	} {
		var c laneClient
		text := []byte(request)
		if n := testing.AllocsPerRun(200, func() {
			c.Reset()
			if _, next, err := l.Lane().Serve(&c, text); next != nil || err != nil {
				t.Fatalf("%q isn't taken: %v", request, err)
			}
		}); n > most {
			t.Errorf("%q: %v allocations, want %v", request, n, most)
		}
	}
}
