package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// server runs serve for each connection that is made to it, in a goroutine of its own.
type server struct {
	net.Listener
	conns atomic.Int64
	work  sync.WaitGroup
	mu    sync.Mutex
	open  []net.Conn // guarded by mu
}

func start(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l}
	s.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			s.mu.Lock()
			s.open = append(s.open, c)
			s.mu.Unlock()
			s.work.Go(func() {
				defer c.Close()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.open {
			c.Close()
		}
		s.mu.Unlock()
		s.work.Wait()
	})
	return s
}

// client returns a Client of s whose connections end with the test.
func (s *server) client(t *testing.T) *Client {
	c := newClient(func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr().String())
		if err != nil {
			return nil, err
		}
		return NewSocket(conn, false), nil
	})
	t.Cleanup(c.CloseIdle)
	return c
}

func newClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{
		Dial:           dial,
		HeaderTimeout:  time.Minute,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 64 << 10,
		MaxIdleConns:   8,
		Trusted:        func() bool { return true },
		Unsolicited:    func([]string) {},
	}
}

func get(ctx context.Context, path string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://files.example"+path, nil)
	if err != nil {
		panic(err)
	}
	return req
}

// whole returns the body of c's response to req, or the first error.
func whole(c *Client, req *http.Request) (string, error) {
	resp, err := c.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// paths answers each request with its path.
func paths(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.WriteString(c, ok(req.URL.Path))
	}
}

// TestMaxConns: no more connections are open than that, and who waits for one stops waiting with
// its context.
func TestMaxConns(t *testing.T) {
	s := start(t, paths)
	c := s.client(t)
	c.MaxConns = 2
	var held []*http.Response
	for range 2 {
		resp, err := c.RoundTrip(get(t.Context(), "/held"))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, resp)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := c.RoundTrip(get(ctx, "/")); err != gone {
		t.Errorf("without a connection: %v", err)
	}
	var others sync.WaitGroup
	for i := range 20 {
		others.Go(func() {
			path := fmt.Sprint("/", i)
			if got, err := whole(c, get(t.Context(), path)); got != path || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	for i, resp := range held {
		if i == 0 { // one is read, the other is given up
			io.Copy(io.Discard, resp.Body)
		}
		resp.Body.Close()
	}
	others.Wait()
	if n := s.conns.Load(); n > 3 {
		t.Errorf("%d connections", n)
	}
}

// TestClosedAtThatMoment: a request over a connection that the server closes instead of answering
// is sent again over a new one, and only then.
func TestClosedAtThatMoment(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	for _, begin := range []string{"", "HTTP/1.1 200 OK\r\nX"} {
		var asked atomic.Int64
		s := start(t, func(c net.Conn, r *bufio.Reader) {
			for {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				if asked.Add(1) == 2 {
					io.WriteString(c, begin)
					return
				}
				io.WriteString(c, ok("acorn"))
			}
		})
		c := s.client(t)
		for i := range 2 {
			got, err := whole(c, get(t.Context(), "/"))
			if i == 1 && begin != "" {
				if err != io.ErrUnexpectedEOF {
					t.Errorf("half a head: %q, %v", got, err)
				}
			} else if got != "acorn" || err != nil {
				t.Errorf("%q: %q, %v", begin, got, err)
			}
		}
		want := int64(3)
		if begin != "" {
			want = 2
		}
		if n := asked.Load(); n != want {
			t.Errorf("%q: %d requests, want %d", begin, n, want)
		}
	}
}

// TestAnswerBeforeTheRequest: a server that has no time for requests may say so and close without
// reading one.
func TestAnswerBeforeTheRequest(t *testing.T) {
	s := start(t, func(c net.Conn, _ *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\nbusy")
	})
	c := s.client(t)
	var told atomic.Int64
	c.Unsolicited = func([]string) { told.Add(1) }
	for range 20 {
		resp, err := c.RoundTrip(get(t.Context(), "/"))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); resp.StatusCode != 503 || string(b) != "busy" {
			t.Errorf("%v, %q, %v", resp, b, err)
		}
		resp.Body.Close()
	}
	if told.Load() > 0 {
		t.Error("taken for an answer that no request asked for")
	}
}

// TestIdleIsLookedAt: what comes over a connection that waits is noticed without another request.
func TestIdleIsLookedAt(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	more := make(chan struct{})
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		for range 3 {
			http.ReadRequest(r)
			io.WriteString(c, ok("acorn"))
		}
		<-more
		io.WriteString(c, ok("marker"))
		r.ReadByte()
	})
	c := s.client(t)
	told := make(chan []string, 1)
	c.Unsolicited = func(urls []string) { told <- urls }
	for i := range 3 {
		if got, err := whole(c, get(t.Context(), fmt.Sprint("/", i))); got != "acorn" {
			t.Error(got, err)
		}
	}
	close(more)
	want := "http://files.example/1 http://files.example/2"
	if got := strings.Join(<-told, " "); got != want {
		t.Errorf("told of %q, want %q", got, want)
	}
}

// TestLastResponse: no request follows a response that says it is the connection's last, though the
// server leaves the connection open.
func TestLastResponse(t *testing.T) {
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na")
		}
	})
	c := s.client(t)
	for range 3 {
		if got, err := whole(c, get(t.Context(), "/")); got != "a" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if n := s.conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// TestToldAtTheEnd: what comes with a response and isn't part of it is told at its end, though the
// connection doesn't wait for another request.
func TestToldAtTheEnd(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, ok("acorn")+ok("marker"))
		r.ReadByte()
	})
	c := s.client(t)
	c.MaxIdleConns = 0
	told := 0
	c.Unsolicited = func([]string) { told++ }
	if got, err := whole(c, get(t.Context(), "/")); got != "acorn" || err != nil || told != 1 {
		t.Errorf("%q, %v, told %d times", got, err, told)
	}
	s = start(t, func(c net.Conn, r *bufio.Reader) {
		for _, response := range []string{ok("acorn"), ok("acorn"),
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nacornmore"} {
			http.ReadRequest(r)
			io.WriteString(c, response)
		}
		r.ReadByte()
	})
	c = s.client(t)
	var urls []string
	c.Unsolicited = func(u []string) { urls = append(urls, u...) }
	for i := range 3 {
		if got, err := whole(c, get(t.Context(), fmt.Sprint("/", i))); got != "acorn" {
			t.Errorf("%q, %v", got, err)
		}
	}
	want := "http://files.example/1 http://files.example/2"
	if got := strings.Join(urls, " "); got != want {
		t.Errorf("after a last response: told of %q, want %q", got, want)
	}
}

// TestDistrust: a connection that isn't to be used again, since another has brought what nobody
// asked for, may have mixed up its responses too.
func TestDistrust(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	s := start(t, paths)
	c := s.client(t)
	distrusted := false
	c.Trusted = func() bool { return !distrusted }
	var told []string
	c.Unsolicited = func(urls []string) { told = append(told, urls...) }
	for i := range 5 {
		path := fmt.Sprint("/", i)
		if got, err := whole(c, get(t.Context(), path)); got != path || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		distrusted = i >= 2
	}
	want := "http://files.example/1 http://files.example/2"
	if got := strings.Join(told, " "); got != want {
		t.Errorf("told of %q, want %q", got, want)
	}
	if n := s.conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// TestEndStays: a connection whose request has ended waits for nothing, though it is to wait anew
// at that moment.
func TestEndStays(t *testing.T) {
	client, server := net.Pipe()
	defer server.Close()
	defer client.Close()
	n := newConn(client, 0, nil)
	n.abort()
	n.limit(time.Hour)
	if _, err := n.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
}

// TestToldWhenClosed: what has come over a connection is told when that is closed before it is
// looked at: since it has been idle for long, or all are closed.
func TestToldWhenClosed(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	for name, end := range map[string]func(*Client){
		"at a look":    func(c *Client) { c.pool.look() },
		"at a request": func(c *Client) { whole(c, get(t.Context(), "/")) },
		"CloseIdle":    (*Client).CloseIdle,
		"Retire":       (*Client).Retire,
	} {
		sent := make(chan struct{})
		more := make(chan struct{})
		s := start(t, func(c net.Conn, r *bufio.Reader) {
			http.ReadRequest(r)
			io.WriteString(c, ok("acorn"))
			<-more
			io.WriteString(c, ok("marker"))
			sent <- struct{}{}
			r.ReadByte()
		})
		c := s.client(t)
		c.IdleTimeout = 1
		told := 0
		c.Unsolicited = func([]string) { told++ }
		if got, err := whole(c, get(t.Context(), "/")); got != "acorn" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		close(more)
		<-sent
		c.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("one is enough") }
		if end(c); told != 1 || c.pool.size() > 0 {
			t.Errorf("%s: told %d times, %d idle", name, told, c.pool.size())
		}
	}
}

// TestDistrustedFailure: a connection that isn't to be used again may have mixed up its responses
// also if its last request fails.
func TestDistrustedFailure(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	var distrusted atomic.Bool
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		for i := range 3 {
			http.ReadRequest(r)
			if i == 2 {
				distrusted.Store(true)
				io.WriteString(c, "no response\r\n\r\n")
				r.ReadByte()
				return
			}
			io.WriteString(c, ok("acorn"))
		}
	})
	c := s.client(t)
	c.Trusted = func() bool { return !distrusted.Load() }
	var told []string
	c.Unsolicited = func(urls []string) { told = append(told, urls...) }
	for i := range 3 {
		got, err := whole(c, get(t.Context(), fmt.Sprint("/", i)))
		if (err == nil) != (i < 2) {
			t.Errorf("%q, %v", got, err)
		}
	}
	want := "http://files.example/1 http://files.example/2"
	if got := strings.Join(told, " "); got != want {
		t.Errorf("told of %q, want %q", got, want)
	}
}

// TestIdleEnds: connections that wait end with IdleTimeout, CloseIdle and Retire, and after Retire
// none waits.
func TestIdleEnds(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	ended := make(chan struct{}, 9)
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		paths(c, r)
		ended <- struct{}{}
	})
	for name, end := range map[string]func(*Client){
		"IdleTimeout": func(*Client) {},
		"CloseIdle":   (*Client).CloseIdle,
		"Retire":      (*Client).Retire,
	} {
		before := s.conns.Load()
		c := s.client(t)
		if name == "IdleTimeout" {
			c.IdleTimeout = 1
		}
		for i := range 3 {
			if got, err := whole(c, get(t.Context(), "/a")); got != "/a" || err != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			if i == 0 {
				end(c)
				if name != "IdleTimeout" { // else the pool's next look ends it
					<-ended
				}
			}
		}
		want := int64(3)
		if name == "CloseIdle" {
			want = 2
		}
		if n := s.conns.Load() - before; n != want {
			t.Errorf("%s: %d connections, want %d", name, n, want)
		}
	}
}

// TestCloseWakesRead: a Read that waits returns when another goroutine closes the body, and its
// connection isn't used again.
func TestCloseWakesRead(t *testing.T) {
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
		r.ReadByte()
	})
	c := s.client(t)
	for range 20 {
		resp, err := c.RoundTrip(get(t.Context(), "/"))
		if err != nil {
			t.Fatal(err)
		}
		first := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			b := make([]byte, 1)
			resp.Body.Read(b)
			close(first)
			if n, err := resp.Body.Read(b); n != 0 || err == nil || err == io.EOF {
				t.Errorf("%d, %v", n, err)
			}
		})
		<-first
		resp.Body.Close()
		reader.Wait()
	}
	if n := s.conns.Load(); n != 20 {
		t.Errorf("%d connections, want 20", n)
	}
}

// TestCancelled: a request ends with its context, whatever it waits for, and returns its cause.
func TestCancelled(t *testing.T) {
	dialling, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	c := newClient(func(ctx context.Context) (net.Conn, error) {
		cancel(gone)
		return nil, errors.New("operation was canceled")
	})
	if _, err := c.RoundTrip(get(dialling, "/")); err != gone {
		t.Errorf("a dial: %v", err)
	}
	for _, sent := range []string{"", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := start(t, func(c net.Conn, r *bufio.Reader) {
			http.ReadRequest(r)
			io.WriteString(c, sent)
			cancel(gone)
			r.ReadByte()
		})
		if _, err := whole(s.client(t), get(ctx, "/")); err != gone {
			t.Errorf("%q: %v", sent, err)
		}
	}
}

// lateConn is a connection whose first Read fails by its deadline, that long after the deadline.
// Then the response is there.
type lateConn struct {
	net.Conn
	late     time.Duration
	deadline time.Time
	failed   bool
	response io.Reader
}

func (c *lateConn) Read(p []byte) (int, error) {
	if !c.failed {
		c.failed = true
		<-time.After(time.Until(c.deadline) + c.late)
		return 0, os.ErrDeadlineExceeded
	}
	return c.response.Read(p)
}

func (c *lateConn) Write(p []byte) (int, error)        { return len(p), nil }
func (c *lateConn) Close() error                       { return nil }
func (c *lateConn) SetDeadline(at time.Time) (_ error) { c.deadline = at; return nil }

// TestStandstill: a timeout that comes late, since the process has stood still, says nothing about
// the server. What it has sent is read.
func TestStandstill(t *testing.T) {
	for late, answered := range map[time.Duration]bool{0: false, 2 * Standstill: true} {
		synctest.Test(t, func(t *testing.T) {
			conn := &lateConn{late: late, response: strings.NewReader(ok("acorn"))}
			c := newClient(func(context.Context) (net.Conn, error) { return conn, nil })
			got, err := whole(c, get(t.Context(), "/"))
			if answered != (got == "acorn") || answered != (err == nil) {
				t.Errorf("late by %v: %q, %v", late, got, err)
			}
			var timeout net.Error
			if !answered && (!errors.As(err, &timeout) || !timeout.Timeout()) {
				t.Errorf("no timeout but %v", err)
			}
		})
	}
}

// TestEndedContext: a request that has ended before it begins isn't sent, and costs no connection.
func TestEndedContext(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	s := start(t, paths)
	c := s.client(t)
	c.MaxConns = 2
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	for range 20 {
		if got, err := whole(c, get(t.Context(), "/a")); got != "/a" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := c.RoundTrip(get(ctx, "/b")); err != gone {
			t.Errorf("%v", err)
		}
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestRequestClose: a request that says it is the connection's last is.
func TestRequestClose(t *testing.T) {
	s := start(t, paths)
	c := s.client(t)
	for range 3 {
		req := get(t.Context(), "/a")
		req.Close = true
		if got, err := whole(c, req); got != "/a" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if n := s.conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// TestInvalidFields: a request with fields that can't be sent is an error, not another request.
func TestInvalidFields(t *testing.T) {
	s := start(t, paths)
	c := s.client(t)
	for name, value := range map[string]string{"A b": "", "": "", "A": "a\x00", "B": "a\r\nC: d"} {
		req := get(t.Context(), "/")
		req.Header[name] = []string{value}
		if _, err := c.RoundTrip(req); err == nil {
			t.Errorf("%q: %q is sent", name, value)
		}
	}
	if n := s.conns.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// refusingConn takes no byte, but has a response.
type refusingConn struct {
	net.Conn
	response io.Reader
}

func (c refusingConn) Read(p []byte) (int, error)  { return c.response.Read(p) }
func (c refusingConn) Write([]byte) (int, error)   { return 0, syscall.EPIPE }
func (c refusingConn) Close() error                { return nil }
func (c refusingConn) SetDeadline(time.Time) error { return nil }

// TestAnswerToHalfARequest: a server may answer before it has read the request, and close.
func TestAnswerToHalfARequest(t *testing.T) {
	for response, want := range map[string]string{
		"HTTP/1.1 431 Request Header Fields Too Large\r\n\r\ntoo large": "too large", "": "",
	} {
		c := newClient(func(context.Context) (net.Conn, error) {
			return refusingConn{response: strings.NewReader(response)}, nil
		})
		req := get(t.Context(), "/")
		req.Header.Set("X", strings.Repeat("x", 100<<10))
		got, err := whole(c, req)
		if got != want || (want == "") != errors.Is(err, syscall.EPIPE) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

// TestBodyIsAReader: a body is what io.Reader says, at its end and after.
func TestBodyIsAReader(t *testing.T) {
	const content = "An acorn, a hazelnut and a walnut."
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if req.URL.Path == "/cut" {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nacorn")
				return
			}
			io.WriteString(c, ok(content))
		}
	})
	c := s.client(t)
	resp, err := c.RoundTrip(get(t.Context(), "/"))
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(resp.Body, []byte(content)); err != nil {
		t.Error(err)
	}
	if n, err := resp.Body.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	for range 2 { // the second connection has been used before
		resp, err = c.RoundTrip(get(t.Context(), "/cut"))
		if err != nil {
			t.Fatal(err)
		}
		_, first := io.ReadAll(resp.Body)
		if _, err := resp.Body.Read(make([]byte, 9)); first != io.ErrUnexpectedEOF || err != first {
			t.Errorf("%v, and then %v", first, err)
		}
	}
	resp, err = c.RoundTrip(get(t.Context(), "/"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 9)); err != http.ErrBodyReadAfterClose {
		t.Errorf("after Close: %v", err)
	}
}

// TestLookWhileUsed has the pool looked at all the time. The race detector watches.
func TestLookWhileUsed(t *testing.T) {
	s := start(t, paths)
	c := s.client(t)
	stop := make(chan struct{})
	var looking, asking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.pool.look()
			}
		}
	})
	for i := range 4 {
		asking.Go(func() {
			for range 300 {
				path := fmt.Sprint("/", i)
				if got, err := whole(c, get(t.Context(), path)); got != path || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	asking.Wait()
	close(stop)
	looking.Wait()
	if n := c.pool.size(); CanPoll && (n < 1 || n > 4) {
		t.Errorf("%d idle connections", n)
	}
}

// TestAdopt: a connection that the Client is given carries the next request, unless there are
// enough.
func TestAdopt(t *testing.T) {
	s := start(t, paths)
	c := s.client(t)
	c.MaxConns = 1
	c.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("one is made") }
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	c.Adopt(dial())
	c.Adopt(dial())
	resp, err := c.RoundTrip(get(t.Context(), "/a"))
	if err != nil {
		t.Fatal(err)
	}
	c.Adopt(dial()) // while all slots are taken
	resp.Body.Close()
	if n := c.pool.size(); n != 0 {
		t.Errorf("%d idle connections", n)
	}
}
