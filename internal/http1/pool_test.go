package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

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
	if n := s.Conns.Load(); n > 3 {
		t.Errorf("%d connections", n)
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
	if n := s.Conns.Load(); n != 3 {
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
	expectTold := notes(t, c)
	for i := range 3 {
		if got, err := whole(c, get(t.Context(), fmt.Sprint("/", i))); got != "acorn" {
			t.Errorf("%q, %v", got, err)
		}
	}
	expectTold("http://files.example/1", "http://files.example/2")
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
	expectTold := notes(t, c)
	for i := range 5 {
		path := fmt.Sprint("/", i)
		if got, err := whole(c, get(t.Context(), path)); got != path || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		distrusted = i >= 2
	}
	expectTold("http://files.example/1", "http://files.example/2")
	if n := s.Conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
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
	expectTold := notes(t, c)
	for i := range 3 {
		got, err := whole(c, get(t.Context(), fmt.Sprint("/", i)))
		if (err == nil) != (i < 2) {
			t.Errorf("%q, %v", got, err)
		}
	}
	expectTold("http://files.example/1", "http://files.example/2")
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
		before := s.Conns.Load()
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
		if n := s.Conns.Load() - before; n != want {
			t.Errorf("%s: %d connections, want %d", name, n, want)
		}
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
	if n := s.Conns.Load(); n != 1 {
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
	if n := s.Conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
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
