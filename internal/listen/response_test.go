package listen_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/fastlane"
	"github.com/scurrycache/scurry/internal/listen"
)

// handingLane answers nothing. It hands all requests on that are whole, have no content, and aren't
// to be their connection's last one.
type handingLane struct{}

func (handingLane) Serve(_ fastlane.Conn, p []byte) (int, *http.Request, error) {
	rest := bytes.NewReader(p)
	b := bufio.NewReaderSize(rest, len(p)+16)
	r, err := http.ReadRequest(b)
	if err != nil || r.Close || r.Body != http.NoBody {
		return 0, nil, nil
	}
	return len(p) - b.Buffered() - rest.Len(), r, nil
}

// A step is what a handler does.
type step struct {
	does   string
	name   string
	value  string
	number int
}

// play does the steps.
func play(steps []step, w http.ResponseWriter) {
	for _, s := range steps {
		switch s.does {
		case "set":
			w.Header()[s.name] = append(w.Header()[s.name], s.value)
		case "untyped":
			w.Header()["Content-Type"] = nil
		case "head":
			w.WriteHeader(s.number)
		case "write":
			_, _ = w.Write(bytes.Repeat([]byte("<p>."), s.number/4+1)[:s.number])
		case "flush":
			_ = http.NewResponseController(w).Flush()
		case "abort":
			panic(http.ErrAbortHandler)
		}
	}
}

// randomSteps are what handlers do, and some of what they shouldn't.
func randomSteps(r *rand.Rand) (steps []step) {
	number := func(of ...int) int { return of[r.IntN(len(of))] }
	size := func() int {
		return number(0, 1, 9, 100, 2047, 2048, 2049, 4096, 5000, 70000) + r.IntN(2)
	}
	add := func(s step, in int) {
		if r.IntN(in) == 0 {
			steps = append(steps, s)
		}
	}
	first := size()
	add(step{does: "set", name: "X-A", value: "b\r\nc "}, 3)
	add(step{does: "set", name: "X-A", value: ""}, 6)
	add(step{does: "set", name: "bad name", value: "x"}, 9)
	add(step{does: "set", name: "Date", value: "Mon, 30 Nov 2026 00:00:00 GMT"}, 4)
	add(step{does: "set", name: "Content-Type", value: "text/plain"}, 4)
	add(step{does: "set", name: "Content-Encoding", value: "gzip"}, 9)
	add(step{does: "set", name: "Connection", value: "close"}, 9)
	add(step{does: "set", name: "Trailer", value: "X-End, Content-Length"}, 9)
	add(step{does: "set", name: http.TrailerPrefix + "X-Early", value: "1"}, 9)
	add(step{does: "untyped"}, 4)
	add(step{does: "head", number: number(103, 102, 100)}, 9)
	switch r.IntN(6) {
	case 0, 1, 2:
		add(step{does: "set", name: "Content-Length", value: strconv.Itoa(first)}, 1)
	case 3:
		add(step{does: "set", name: "Content-Length", value: strconv.Itoa(size())}, 1)
	}
	add(step{does: "head", number: number(200, 200, 206, 204, 304, 404, 299, 599, 416)}, 2)
	add(step{does: "flush"}, 5)
	add(step{does: "set", name: "X-Late", value: "1"}, 5)
	add(step{does: "write", number: first}, 1)
	for range r.IntN(4) {
		add(step{does: "flush"}, 3)
		add(step{does: "head", number: 500}, 20)
		add(step{does: "write", number: size()}, 2)
	}
	add(step{does: "set", name: "X-End", value: "1"}, 3)
	add(step{does: "set", name: http.TrailerPrefix + "X-Last", value: "2"}, 6)
	add(step{does: "abort"}, 12)
	return steps
}

var dateLine = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$`)

// understood is what a client understands of what has come as the response to a request with that
// method: the heads as they are, and the content; and what has come after it.
func understood(text []byte, method string) (seen string) {
	text = dateLine.ReplaceAll(text, []byte("Date: now\r"))
	for {
		head, rest, ok := bytes.Cut(text, []byte("\r\n\r\n"))
		if seen += string(head) + "\n"; !ok {
			return seen
		}
		if bytes.HasPrefix(head, []byte("HTTP/1.1 1")) {
			text = rest
			continue
		}
		b := bufio.NewReader(bytes.NewReader(text))
		resp, err := http.ReadResponse(b, &http.Request{Method: method})
		if err != nil {
			return seen + err.Error()
		}
		content, err := io.ReadAll(resp.Body)
		after, _ := io.ReadAll(b)
		if err != nil { // how much has been held back is of no interest
			return seen + err.Error()
		}
		return seen + fmt.Sprintf("%d bytes of content, sum %d, %v, then %q", len(content),
			adler32.Checksum(content), resp.Trailer, after)
	}
}

// TestResponsesAreAlike: what a handler does comes to the client as net/http would send it, also
// what it shouldn't do: heads byte by byte, content, trailers, and whether the connection goes on.
func TestResponsesAreAlike(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	scripts := make([][]step, 3000)
	for i := range scripts {
		scripts[i] = randomSteps(random)
	}
	var byHTTP atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i, err := strconv.Atoi(r.URL.Path[1:])
		if err != nil {
			_, _ = io.WriteString(w, "after it")
			return
		}
		if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
			byHTTP.Add(1)
		}
		play(scripts[i], w)
	})
	quiet := log.New(io.Discard, "", 0)
	servers := [2]*server{
		openWith(t, 0, &http.Server{Handler: handler, ErrorLog: quiet}, handingLane{}),
		openWith(t, 0, &http.Server{Handler: handler, ErrorLog: quiet}, nil),
	}
	for _, s := range servers {
		s.serve()
	}
	for i, steps := range scripts {
		method := [2]string{"GET", "HEAD"}[i%5/4]
		var seen [2]string
		for k, s := range servers {
			c := s.dial(t)
			c.send(t, fmt.Sprintf("%s /%d HTTP/1.1\r\nHost: n\r\n\r\n"+
				"GET /after HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n", method, i))
			text, _ := io.ReadAll(c.r) // what it says is seen
			seen[k] = understood(text, method)
			c.Close()
		}
		if seen[0] != seen[1] {
			t.Errorf("%s, %+v:\n%s\nand by net/http\n%s", method, steps, seen[0], seen[1])
		}
	}
	if n := byHTTP.Load(); n != int64(len(scripts)) {
		t.Errorf("net/http has written %d responses for the lane", n)
	}
}

// mixedLane answers requests for /a, and hands all else on that handingLane does.
type mixedLane struct {
	echoLane
	handed atomic.Int64
}

func (l *mixedLane) Serve(c fastlane.Conn, p []byte) (int, *http.Request, error) {
	n, _, err := l.echoLane.Serve(c, p)
	if err != nil {
		return n, nil, err
	}
	more, next, err := handingLane{}.Serve(c, p[n:])
	if next != nil {
		l.handed.Add(1)
	}
	return n + more, next, err
}

// TestHandedOn mixes requests that the lane answers, that it hands on, and that are net/http's, in
// pieces of all sizes: each is answered in its turn.
func TestHandedOn(t *testing.T) {
	lane := new(mixedLane)
	s := openWith(t, 0, &http.Server{Handler: http.HandlerFunc(echo)}, lane)
	s.serve()
	handed := strings.Replace(get, "/a", "/h", 1)
	post := "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 28\r\n\r\n" + get
	text := handed + get + handed + handed + post + handed + get + post + get + handed
	want := []string{"/h ", "/a ", "/h ", "/h ", "/b " + get, "/h ", "/a ", "/b " + get, "/a ",
		"/h "}
	for size := 1; size <= 2*len(text); size += 1 + size/3 {
		c := s.dial(t)
		c.sendIn(t, text, size)
		var got []string
		for range want {
			_, content := c.response(t)
			got = append(got, strings.Replace(content, "lane", "/a ", 1))
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("in pieces of %d bytes: %q", size, got)
		}
		c.Close()
	}
	if lane.answered.Load() == 0 || lane.handed.Load() == 0 || s.Refused() > 0 {
		t.Errorf("the lane has answered %d requests and handed %d on, and %d are refused",
			lane.answered.Load(), lane.handed.Load(), s.Refused())
	}
}

// TestHandlerLearnsOfTheEnd: the context of a request ends when its client closes the connection,
// breaks it, or closes its own side, and not when another request comes behind it; with net/http
// and without.
func TestHandlerLearnsOfTheEnd(t *testing.T) {
	for name, lane := range map[string]listen.Lane{"handed on": handingLane{}, "net/http": nil} {
		for how, leave := range map[string]func(*client) error{
			"it closes": func(c *client) error { return c.Close() },
			"it closes its side": func(c *client) error {
				return c.Conn.(*net.TCPConn).CloseWrite()
			},
			"it breaks off": func(c *client) error {
				return errors.Join(c.Conn.(*net.TCPConn).SetLinger(0), c.Close())
			},
			"it asks for more": nil,
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				begun, goOn, ended := make(chan bool), make(chan bool), make(chan error, 1)
				h := func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/wait" {
						return
					}
					close(begun)
					select {
					case <-r.Context().Done():
						ended <- r.Context().Err()
					case <-goOn:
						ended <- nil
					}
				}
				s := openWith(t, 0, &http.Server{Handler: http.HandlerFunc(h)}, lane)
				s.serve()
				c := s.dial(t)
				c.send(t, "GET /wait HTTP/1.1\r\nHost: n\r\n\r\n")
				<-begun
				if leave != nil {
					if err := leave(c); err != nil {
						t.Error(err)
					}
					if err := <-ended; err == nil {
						t.Error("it goes on")
					}
					return
				}
				c.send(t, get)
				other := s.dial(t) // long enough for the first one to be watched
				other.send(t, "GET /wait2 HTTP/1.1\r\nHost: n\r\n\r\n")
				other.response(t)
				close(goOn)
				if err := <-ended; err != nil {
					t.Error(err)
				}
				c.response(t)
				c.response(t)
				c.send(t, get)
				c.response(t)
			})
		}
	}
}

// TestHandedRequestsDrain: a request that a handler has when the server begins to drain is
// answered, as the last one of its connection.
func TestHandedRequestsDrain(t *testing.T) {
	begun, draining := make(chan bool), make(chan bool)
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(begun)
			<-draining
		}
		_, _ = io.WriteString(w, "done")
	}
	s := openWith(t, time.Second, &http.Server{Handler: http.HandlerFunc(h)}, handingLane{})
	s.serve()
	c, idle := s.dial(t), s.dial(t)
	idle.send(t, get)
	idle.response(t)
	c.send(t, "GET /wait HTTP/1.1\r\nHost: n\r\n\r\n")
	<-begun
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	for open := 2; open > 0; { // until a new connection's response says that it drains
		probe := s.dial(t)
		probe.send(t, get)
		resp, _ := probe.response(t)
		if resp.Close {
			open = 0
		}
		probe.Close()
	}
	close(draining)
	if resp, content := c.response(t); !resp.Close || content != "done" {
		t.Errorf("%v, %q", resp, content)
	}
	c.ended(t)
	idle.ended(t)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// TestHandlerThatPanics: it ends its connection only, and says so where net/http would.
func TestHandlerThatPanics(t *testing.T) {
	var text bytes.Buffer
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			panic("a defect")
		}
	}
	s := openWith(t, 0, &http.Server{Handler: http.HandlerFunc(h), ErrorLog: log.New(&text, "", 0)},
		handingLane{})
	s.serve()
	c := s.dial(t)
	c.send(t, get)
	c.ended(t)
	post := s.dial(t) // net/http has its connection
	post.send(t, "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 1\r\n\r\nx")
	post.response(t)
	post.send(t, get)
	post.ended(t)
	if err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(text.String(), "a defect"); n != 2 {
		t.Errorf("logged %d times: %q", n, text.String())
	}
}

// TestCutWrite: a handler learns how much of what it writes has been sent to a client that has
// gone, about: what the system holds has been sent.
func TestCutWrite(t *testing.T) {
	for name, lane := range map[string]listen.Lane{"handed on": handingLane{}, "net/http": nil} {
		type written struct {
			n   int
			err error
		}
		got, begun := make(chan written, 1), make(chan bool)
		h := func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			n, err := w.Write(make([]byte, largeSize))
			got <- written{n, err}
		}
		s := openWith(t, 0, &http.Server{Handler: http.HandlerFunc(h)}, lane)
		s.serve()
		c := s.dial(t)
		c.send(t, get)
		<-begun
		if _, err := io.CopyN(io.Discard, c.r, 1<<20); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if w := <-got; w.err == nil || w.n < 1<<20-1<<10 || w.n >= largeSize {
			t.Errorf("%s: %d bytes, %v", name, w.n, w.err)
		}
	}
}
