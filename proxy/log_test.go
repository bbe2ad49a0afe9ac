package proxy_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// logbook collects what is logged.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines returns the lines with that message.
func (l *logbook) lines(t testing.TB, message string) (lines []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := bufio.NewScanner(bytes.NewReader(l.b.Bytes())); s.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", s.Bytes(), err)
		}
		if line["message"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestLogs(t *testing.T) {
	oneNode(t)
	var book logbook
	logger := zerolog.New(&book)
	now := newClock()
	n, o := fronting(t, proxy.Config{Logger: &logger, Now: now.Now})
	o.Handle("/f", origintest.File{Size: 5000, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	secrets := []string{"Authorization: Basic c2VjcmV0", "Cookie: secret=1"}
	want := []map[string]any{
		{"cache": "miss", "source": "origin", "status": 200.0, "bytes": 5000.0, "age": 0.0,
			"uri": "/files/f", "method": "GET", "level": "info"},
		{"cache": "hit", "source": "memory", "status": 200.0, "bytes": 5000.0},
		{"cache": "hit", "source": "memory", "status": 206.0, "bytes": 10.0, "uri": "/zk?key=f"},
		{"cache": "hit", "status": 304.0, "bytes": 0.0},
		{"cache": "revalidated", "source": "memory", "status": 200.0, "bytes": 5000.0, "age": 0.0},
		{"cache": "pass", "source": "origin", "status": 200.0},
		{"status": 400.0},
	}
	n.get("/files/f", secrets[1])
	n.get("/files/f")
	n.get("/zk?key=f", "Range: bytes=0-9")
	n.get("/files/f", `If-None-Match: "1"`)
	now.Advance(61e9)
	n.get("/files/f")
	n.get("/files/f", secrets[0])
	n.get("/zk")
	n.Server.Close() // waits for the requests' ends, which the lines are written at

	lines := book.lines(t, "request")
	if len(lines) != len(want) {
		t.Fatalf("%d lines for %d requests", len(lines), len(want))
	}
	ids := map[any]bool{}
	for i, line := range lines {
		ids[line["id"]] = true
		for k, v := range want[i] {
			if line[k] != v {
				t.Errorf("line %d: %s is %v, want %v", i, k, line[k], v)
			}
		}
		for _, k := range []string{"remote", "host", "proto", "duration_ms", "ttfb_ms",
			"user_agent"} {
			if _, ok := line[k]; !ok {
				t.Errorf("line %d has no %s", i, k)
			}
		}
	}
	if len(ids) != len(lines) || lines[0]["version"] != lines[1]["version"] ||
		lines[0]["version"] == nil {
		t.Errorf("ids or versions are wrong: %v", lines)
	}

	fetches := book.lines(t, "origin")
	var told []any
	for _, line := range fetches {
		told = append(told, line["reason"], line["status"], line["bytes"])
		if line["url"] != o.URL+"/f" || line["duration_ms"] == nil {
			t.Errorf("%v", line)
		}
	}
	if got, _ := json.Marshal(told); string(got) != `["miss",200,5000,"revalidate",304,0,"miss",200,5000]` {
		t.Errorf("origin lines tell %s", got)
	}
	if s := book.String(); strings.Contains(s, "c2VjcmV0") || strings.Contains(s, "secret") {
		t.Errorf("secrets in the log:\n%s", s)
	}
}

// TestLogTellsWhereThingsAre: a 404 that isn't the origin's says in the log, and to nobody else,
// where resources are.
func TestLogTellsWhereThingsAre(t *testing.T) {
	oneNode(t)
	var book logbook
	logger := zerolog.New(&book)
	n, o := fronting(t, proxy.Config{Logger: &logger})
	o.Handle("/gone", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	for _, outside := range []bool{true, false} {
		for _, method := range []string{"GET", "HEAD", "POST", "BREW"} {
			paths := []string{"/files/gone"}
			if outside {
				paths = []string{"/f", "/filesystem/f", "/zk/f", "/healthz", "/Files/f"}
			}
			for _, path := range paths {
				resp, b := n.read(n.do(method, path))
				if resp.StatusCode != 404 || strings.Contains(string(b), "files") {
					t.Errorf("%s %s: %s %q", method, path, resp.Status, b)
				}
			}
		}
	}
	n.Server.Close()
	lines := book.lines(t, "request")
	if len(lines) != 24 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		want := any("resources are under /files/")
		if line["uri"] == "/files/gone" {
			want = nil
		}
		if line["note"] != want || line["level"] != "info" {
			t.Errorf("%v", line)
		}
	}
}

func TestPanicIsLoggedOnceAndAnswered(t *testing.T) {
	var book logbook
	logger := zerolog.New(&book)
	n := newNode(t, proxy.Config{Logger: &logger,
		Origin: roundTrip(func(*http.Request) (*http.Response,
			error) {
			panic("bug of the origin")
		})})
	for _, method := range []string{"GET", "POST"} {
		resp, b := n.read(n.do(method, "/files/f"))
		if resp.StatusCode < 500 || strings.Contains(string(b), "bug") {
			t.Errorf("%s: %s %q", method, resp.Status, b)
		}
	}
	n.Server.Close()
	if got := strings.Count(book.String(), "bug of the origin"); got != 2 {
		t.Errorf("2 panics were logged %d times:\n%s", got, book.String())
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestBytesThatHaveComeAreInMemory: who wants what has come of a body that is still being read
// waits for nothing of the origin, and the log says so.
func TestBytesThatHaveComeAreInMemory(t *testing.T) {
	oneNode(t)
	var book logbook
	logger := zerolog.New(&book)
	n, o := fronting(t, proxy.Config{Logger: &logger})
	more := make(chan int64)
	o.Handle("/f", drip(0, 5000, http.Header{"Cache-Control": {"max-age=60"}, "Etag": {`"1"`}},
		more))
	whole := n.do(http.MethodGet, "/files/f")
	more <- 2000
	if _, err := io.CopyN(io.Discard, whole.Body, 2000); err != nil {
		t.Fatal(err)
	}
	n.expect(206, origintest.Content(0, 1000, 2000), "/files/f", "Range: bytes=1000-1999")
	eventually(t, "the first is logged", func() bool { return len(book.lines(t, "request")) == 1 })
	more <- 5000
	n.read(whole)
	eventually(t, "both requests are logged", func() bool {
		return len(book.lines(t,
			"request")) == 2
	})
	for i, want := range []map[string]any{{"cache": "hit", "source": "memory"}, {"cache": "miss",
		"source": "origin"}} {
		for field, value := range want {
			if got := book.lines(t, "request")[i][field]; got != value {
				t.Errorf("request %d: %s is %v, want %v", i, field, got, value)
			}
		}
	}
}
