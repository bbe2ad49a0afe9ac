package origin

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// versionServer is an https server that decides at each connection whether it speaks HTTP/2 there.
// It answers with the version, the method and the body of a request.
type versionServer struct {
	*httptest.Server
	conns, open atomic.Int64
	most        atomic.Int64                     // connections that were open at a time
	handler     atomic.Pointer[http.HandlerFunc] // answers, if it is set
}

func startVersions(t *testing.T, http2 func(conn int64) bool, last bool) (*versionServer, *Server) {
	v := &versionServer{}
	v.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		if h := v.handler.Load(); h != nil {
			(*h)(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if last {
			w.Header().Set("Connection", "close")
		}
		fmt.Fprint(w, r.Proto, " ", r.Method, " ", string(body))
	}))
	v.EnableHTTP2 = true
	v.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			v.conns.Add(1)
			n := v.open.Add(1)
			for m := v.most.Load(); m < n && !v.most.CompareAndSwap(m, n); m = v.most.Load() {
			}
		case http.StateClosed, http.StateHijacked:
			v.open.Add(-1)
		}
	}
	v.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		config := v.TLS.Clone()
		config.GetConfigForClient = nil
		if config.NextProtos = []string{"http/1.1"}; http2(v.conns.Load()) {
			config.NextProtos = []string{"h2", "http/1.1"}
		}
		return config, nil
	}}
	v.StartTLS()
	t.Cleanup(v.Close)
	base, err := url.Parse(v.URL)
	check(t, err)
	s := newServer(t, base)
	s.TLS = &tls.Config{InsecureSkipVerify: true}
	return v, s
}

// send sends a request with that body, if it isn't empty, and checks that it came.
func send(t *testing.T, s *Server, method, body string) (proto string) {
	t.Helper()
	req := target(t, method, s.BaseURL(), "/")
	if body != "" {
		req.Body = io.NopCloser(strings.NewReader(body))
	}
	_, got, err := fetch(s, req)
	if proto, rest, _ := strings.Cut(got, " "); err == nil && rest == method+" "+body {
		return proto
	}
	t.Errorf("%s %q: %q, %v", method, body, got, err)
	return ""
}

// TestMixedVersions: all requests come, though the server speaks one version of HTTP on one
// connection and another on the next, as servers behind one address may.
func TestMixedVersions(t *testing.T) {
	for _, every := range []int64{2, 3} {
		_, s := startVersions(t, func(conn int64) bool { return conn%every == 0 }, true)
		for range 20 {
			send(t, s, "GET", "")
		}
		for range 20 {
			send(t, s, "GET", "")
			send(t, s, "POST", "acorn")
			send(t, s, "DELETE", "")
		}
	}
}

// TestVersionChanges: the first request after a server has changed the version that it speaks
// comes, whatever it is.
func TestVersionChanges(t *testing.T) {
	for _, next := range []struct{ method, body string }{
		{"GET", ""}, {"POST", "acorn"}, {"DELETE", ""},
	} {
		var http2 atomic.Bool
		_, s := startVersions(t, func(int64) bool { return http2.Load() }, false)
		for range 2 {
			for _, now := range []bool{true, false} {
				http2.Store(now)
				s.CloseIdleConnections()
				send(t, s, next.method, next.body)
				want := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[now]
				if got := send(t, s, "GET", ""); got != want {
					t.Errorf("after a %s: %s, want %s", next.method, got, want)
				}
			}
		}
	}
}

// TestStatusLineSaysHTTP2: what a status line says doesn't make HTTP/2 of a connection.
func TestStatusLineSaysHTTP2(t *testing.T) {
	skipUnlessKept(t)
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		for readHead(r) != "" {
			io.WriteString(c, "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	s := newServer(t, raw.URL)
	for range 5 {
		fetchOK(t, s)
	}
	if n := raw.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	if n := s.version.Load(); n != 1 {
		t.Errorf("taken for HTTP/%d", n)
	}
}

// TestUpgradeKeepsVersion: a request to upgrade goes by HTTP/1.1, which says nothing about those
// after it.
func TestUpgradeKeepsVersion(t *testing.T) {
	v, s := startVersions(t, func(int64) bool { return true }, false)
	for range 3 {
		if got := send(t, s, "GET", ""); got != "HTTP/2.0" {
			t.Errorf("a GET by %s", got)
		}
		req := target(t, "GET", s.BaseURL(), "/", "Connection", "Upgrade", "Upgrade", "echo")
		if _, got, err := fetch(s, req); err != nil || !strings.HasPrefix(got, "HTTP/1.1") {
			t.Errorf("an upgrade by %s, %v", got, err)
		}
	}
	if n := v.conns.Load(); n != 4 {
		t.Errorf("%d connections, want one for GETs and one for each upgrade", n)
	}
}

// TestServerMaxConns: the limit holds for the first requests, too, which find out what the server
// speaks.
func TestServerMaxConns(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		v, s := startVersions(t, func(int64) bool { return http2 }, false)
		s.MaxConns = 2
		var clients sync.WaitGroup
		for range 40 {
			clients.Go(func() { send(t, s, "GET", "") })
		}
		clients.Wait()
		if n := v.most.Load(); n > 4 { // two by each version of HTTP
			t.Errorf("HTTP/2 %v: %d connections at a time", http2, n)
		}
	}
}

// closeCounter is a body that counts what is done to it.
type closeCounter struct {
	io.Reader
	closed *atomic.Int64
}

func (c closeCounter) Close() error { c.closed.Add(1); return nil }

// TestBodiesAreClosed: a request's body is closed, whether it was sent or not.
func TestBodiesAreClosed(t *testing.T) {
	v, s := startVersions(t, func(int64) bool { return true }, false)
	send(t, s, "GET", "")
	var closed atomic.Int64
	post := func() error {
		req := target(t, "POST", s.BaseURL(), "/")
		req.Body = closeCounter{strings.NewReader("acorn"), &closed}
		_, _, err := fetch(s, req)
		return err
	}
	if err := post(); err != nil || closed.Load() < 1 {
		t.Errorf("sent: %v, closed %d times", err, closed.Load())
	}
	v.Close()
	closed.Store(0)
	if err := post(); err == nil || errors.Is(err, errOtherVersion) || closed.Load() < 1 {
		t.Errorf("not sent: %v, closed %d times", err, closed.Load())
	}
}

// TestBodyOfSecondRequest: a body isn't closed while it is sent, though it was to be sent over
// another connection before, and a response has come.
func TestBodyOfSecondRequest(t *testing.T) {
	var http2 atomic.Bool
	http2.Store(true)
	v, s := startVersions(t, func(int64) bool { return http2.Load() }, false)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if r.ProtoMajor == 1 {
			c.EnableFullDuplex()
		}
		io.WriteString(w, "begun ")
		c.Flush()
		io.Copy(w, r.Body)
	})
	v.handler.Store(&echo)
	_, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/"))
	check(t, err)
	http2.Store(false)
	s.CloseIdleConnections()
	var closed atomic.Int64
	in, out := io.Pipe()
	req := target(t, "POST", s.BaseURL(), "/")
	req.Body = closeCounter{in, &closed}
	resp, err := s.RoundTrip(req)
	check(t, err)
	if n := closed.Load(); n != 0 {
		t.Errorf("closed %d times before its end", n)
	}
	io.WriteString(out, "acorn")
	out.Close()
	body, err := io.ReadAll(resp.Body)
	if check(t, err); string(body) != "begun acorn" || resp.ProtoMajor != 1 {
		t.Errorf("%q by %s", body, resp.Proto)
	}
	resp.Body.Close()
	for closed.Load() == 0 { // which happens on another goroutine
		runtime.Gosched()
	}
}
