package origin

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted starts a server that answers each request with ok, followed at once by extra if that says
// so. It counts connections.
func counted(t *testing.T, secure bool, extra func(request int64) string) (raw *rawServer, s *Server) {
	asked := atomic.Int64{}
	certificate := exampleTLS(t)
	raw = newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		below := &corked{Conn: c}
		if secure {
			c = tls.Server(below, certificate)
			defer c.Close()
			r = bufio.NewReader(c)
		} else {
			c = below
		}
		for readHead(r) != "" {
			more := extra(asked.Add(1))
			below.cork()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			io.WriteString(c, more)
			below.uncork(more == halved)
		}
	})
	if secure {
		raw.Scheme = "https"
	}
	s = newServer(t, raw.URL)
	s.TLS = &tls.Config{InsecureSkipVerify: true}
	return raw, s
}

func exampleTLS(t *testing.T) *tls.Config {
	t.Helper()
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS()
	defer example.Close()
	config := example.TLS.Clone()
	config.NextProtos = nil
	return config
}

// halved is an unsolicited response whose end isn't sent before the client has sent something more.
const halved = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhalved"

// corked is the network below a server's TLS, which collects what it is to send in one piece.
type corked struct {
	net.Conn
	mu   sync.Mutex // guards what follows
	on   bool
	held []byte
}

func (c *corked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = true
}

// uncork sends what has been collected, but for the last bytes if half.
func (c *corked) uncork(half bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.held)
	if half {
		n -= 20
	}
	c.Conn.Write(c.held[:n])
	c.on, c.held = false, c.held[n:]
}

func (c *corked) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 && err == nil {
		_, err = c.Conn.Write(c.held)
		c.held = nil
	}
	return n, err
}

// fetchOK returns the connection that the answer came over.
func fetchOK(t *testing.T, s *Server) (over *guardedConn) {
	t.Helper()
	req := target(t, "GET", s.BaseURL(), "/x")
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		switch c := info.Conn.(type) {
		case *guardedConn:
			over = c
		case *secureConn:
			over = c.guarded
		}
	}}))
	if resp, body, err := fetch(s, req); err != nil || body != "ok" {
		t.Errorf("%v, %.50q, %v", resp, body, err)
	}
	return over
}

// TestTrustIsLost: an origin that has sent what nobody had asked for gets one request on each
// connection, for some time.
func TestTrustIsLost(t *testing.T) {
	if !canPeek {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
	for _, secure := range []bool{false, true} {
		const more = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmarker"
		raw, s := counted(t, secure, func(n int64) string { return map[int64]string{4: more}[n] })
		type told struct {
			urls  []string
			until time.Time
		}
		heard := make(chan told, 10)
		defer s.OnUnsolicited(func(urls []string, until time.Time) { heard <- told{urls, until} })()
		s.OnUnsolicited(func([]string, time.Time) { t.Error("one who has stopped is told") })()
		for range 4 {
			fetchOK(t, s)
		}
		got := <-heard
		if want := slices.Repeat([]string{s.BaseURL().String() + "x"}, 3); !slices.Equal(got.urls, want) || time.Until(got.until) < 59*time.Minute {
			t.Errorf("TLS=%v: told of %q until %v", secure, got.urls, got.until)
		}
		for range 4 {
			fetchOK(t, s)
		}
		if n := raw.conns.Load(); n != 5 {
			t.Errorf("TLS=%v: %d connections, want 5", secure, n)
		}
		s.trust.mu.Lock()
		s.trust.until = time.Now()
		s.trust.mu.Unlock()
		for range 4 {
			fetchOK(t, s)
		}
		if n := raw.conns.Load(); n != 6 {
			t.Errorf("TLS=%v: %d connections once it is trusted again, want 6", secure, n)
		}
	}
}

// TestGivenUp: a connection that isn't to be used any more isn't, though net/http has just taken it
// and there is something on it that looks like a response.
func TestGivenUp(t *testing.T) {
	if !canPeek {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
	log.SetOutput(io.Discard) // net/http's, on what it finds
	defer log.SetOutput(os.Stderr)
	for i := range 60 {
		const more = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmarker"
		_, s := counted(t, i%2 == 1, func(n int64) string { return map[int64]string{1: more}[n] })
		kept, asked := make(chan struct{}), make(chan struct{})
		first := target(t, "GET", s.BaseURL(), "/1")
		first = first.WithContext(httptrace.WithClientTrace(first.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
			close(kept)
			<-asked
			for range 1000 { // the next request is faster than net/http's reader
				runtime.Gosched()
			}
		}}))
		distrust := sync.OnceFunc(func() {
			s.trust.mu.Lock()
			defer s.trust.mu.Unlock()
			s.trust.until = time.Now().Add(time.Hour)
			close(asked)
		})
		second := target(t, "GET", s.BaseURL(), "/2")
		second = second.WithContext(httptrace.WithClientTrace(second.Context(), &httptrace.ClientTrace{GetConn: func(string) {
			distrust() // too late to choose another transport
		}}))
		var earlier sync.WaitGroup
		earlier.Go(func() {
			if _, body, err := fetch(s, first); err != nil || body != "ok" {
				t.Error(body, err)
			}
		})
		<-kept
		resp, body, err := fetch(s, second)
		earlier.Wait()
		if err != nil || body != "ok" {
			t.Errorf("%v %q %v", resp, body, err)
		}
	}
}

// TestHalfARecord: a response that begins in a TLS record of before the request isn't its response.
func TestHalfARecord(t *testing.T) {
	if !canPeek {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
	raw, s := counted(t, true, func(n int64) string {
		if n%3 == 0 {
			return halved
		}
		return ""
	})
	for range 12 {
		fetchOK(t, s)
	}
	if n := raw.conns.Load(); n < 4 {
		t.Errorf("%d connections", n)
	}
}

// TestConnectionsAreRenewed: what has to be remembered of a connection is bounded.
func TestConnectionsAreRenewed(t *testing.T) {
	if !canPeek {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
	raw, s := counted(t, false, func(int64) string { return "" })
	for range maxHistory + 1 {
		fetchOK(t, s)
	}
	if n := raw.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	fetchOK(t, s)
	if n := raw.conns.Load(); n != 2 {
		t.Errorf("%d connections after %d requests, want 2", n, maxHistory+2)
	}
	for range 12 {
		req := target(t, "GET", s.BaseURL(), "/"+strings.Repeat("x", maxHistoryBytes/4))
		if _, body, err := fetch(s, req); err != nil || body != "ok" {
			t.Error(body, err)
		}
	}
	if n := raw.conns.Load(); n < 4 || n > 6 {
		t.Errorf("%d connections after requests with long URLs", n)
	}
}

// TestBrokenOffBody: a connection whose response hasn't been read to its end isn't used again, and
// is no reason for distrust.
func TestBrokenOffBody(t *testing.T) {
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		for readHead(r) != "" {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%s", strings.Repeat("HTTP/1.1 200 OK\r\n\r\n   ", 4000))
		}
	})
	s := newServer(t, raw.URL)
	defer s.OnUnsolicited(func(urls []string, _ time.Time) { t.Errorf("told of %q", urls) })()
	for range 20 {
		resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/"))
		check(t, err)
		if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil || resp.ContentLength != 100000 {
			t.Error(resp.ContentLength, err)
		}
		resp.Body.Close()
	}
	if n := raw.conns.Load(); n != 20 {
		t.Errorf("%d connections, want 20", n)
	}
}

// TestOrdinaryEnds: that an idle connection ends is no reason for distrust.
func TestOrdinaryEnds(t *testing.T) {
	if !canPeek {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
	for name, end := range map[string]struct {
		extra  string
		secure bool
	}{
		"closed": {}, "closed over TLS": {secure: true},
		"with a 408":          {extra: "HTTP/1.1 408 Request Time-out\r\nConnection: close\r\n\r\n"},
		"with a 408 over TLS": {extra: "HTTP/1.0 408 Request Time-out\r\n\r\n", secure: true},
		"with a line end":     {extra: "\r\n"},
	} {
		certificate, idling := exampleTLS(t), make(chan struct{})
		raw := newRawServer(t, func(s *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
			if end.secure {
				c = tls.Server(c, certificate)
				defer c.Close()
				r = bufio.NewReader(c)
			}
			for range 2 {
				readHead(r)
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
			select {
			case <-idling:
				io.WriteString(c, end.extra)
			case <-s.stop:
			}
		})
		if end.secure {
			raw.Scheme = "https"
		}
		s := newServer(t, raw.URL)
		s.TLS = &tls.Config{InsecureSkipVerify: true}
		stop := s.OnUnsolicited(func(urls []string, _ time.Time) { t.Errorf("%s: told of %q", name, urls) })
		for range 3 {
			fetchOK(t, s)
			c := fetchOK(t, s)
			until(c, func() bool { return c.phase == idle && c.waiting })
			idling <- struct{}{}
			until(c, func() bool { return c.phase == dead })
		}
		stop()
		if n := raw.conns.Load(); n != 3 {
			t.Errorf("%s: %d connections, want 3", name, n)
		}
	}
}

// until waits for a state of c.
func until(c *guardedConn, so func() bool) {
	for {
		c.mu.Lock()
		ok := so()
		c.mu.Unlock()
		if ok {
			return
		}
		runtime.Gosched()
	}
}

// TestLineEnds: an empty line between responses does no harm, whenever it comes.
func TestLineEnds(t *testing.T) {
	for _, secure := range []bool{false, true} {
		raw, s := counted(t, secure, func(n int64) string { return map[bool]string{true: "\r\n"}[n%3 == 0] })
		s.trust.period = time.Nanosecond
		for range 20 {
			fetchOK(t, s)
		}
		t.Logf("TLS=%v: %d connections", secure, raw.conns.Load())
	}
	certificate := exampleTLS(t)
	for _, secure := range []bool{false, true} { // when the next request has come
		raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
			if secure {
				c = tls.Server(c, certificate)
				defer c.Close()
				r = bufio.NewReader(c)
			}
			for before := ""; readHead(r) != ""; before = "\r\n" {
				for i := range before {
					io.WriteString(c, before[i:i+1])
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		})
		if secure {
			raw.Scheme = "https"
		}
		s := newServer(t, raw.URL)
		s.TLS = &tls.Config{InsecureSkipVerify: true}
		for range 20 {
			fetchOK(t, s)
		}
		if n := raw.conns.Load(); n != 1 && canPeek {
			t.Errorf("TLS=%v: %d connections, want 1", secure, n)
		}
	}
}

// TestHTTP2IsKept: HTTP/2 connections carry all requests, those with bodies too.
func TestHTTP2IsKept(t *testing.T) {
	var conns atomic.Int64
	o := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, string(body))
	}))
	o.EnableHTTP2 = true
	o.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	o.StartTLS()
	defer o.Close()
	base, err := url.Parse(o.URL)
	check(t, err)
	s := newServer(t, base)
	s.TLS = &tls.Config{InsecureSkipVerify: true}
	for i := range 20 {
		req := target(t, "GET", s.BaseURL(), "/")
		want := "HTTP/2.0"
		if i%2 == 1 {
			req.Method, req.Body, req.ContentLength = "POST", io.NopCloser(strings.NewReader("x")), 1
			want += "x"
		}
		if _, body, err := fetch(s, req); err != nil || body != want {
			t.Errorf("%q, %v", body, err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestTunnel: of TLS in a proxy's tunnel it can't be seen how far it has read, so that each request
// gets a connection.
func TestTunnel(t *testing.T) {
	o := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	var conns atomic.Int64
	o.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	o.StartTLS()
	defer o.Close()
	tunnel := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		if !strings.HasPrefix(readHead(r), "CONNECT files.example.com:443 ") {
			t.Error("the proxy is asked for something else than a tunnel")
			return
		}
		to, err := net.Dial("tcp", o.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer to.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		var up sync.WaitGroup
		up.Go(func() {
			io.Copy(to, r)
			to.Close()
		})
		io.Copy(c, to)
		c.Close()
		up.Wait()
	})
	s := newServer(t, &url.URL{Scheme: "https", Host: "files.example.com"})
	s.TLS = &tls.Config{InsecureSkipVerify: true}
	kept := s.newTransport(true)
	defer kept.CloseIdleConnections()
	kept.Proxy = http.ProxyURL(tunnel.URL)
	s.next = &transports{kept, kept, kept}
	for range 4 {
		fetchOK(t, s)
	}
	if n := conns.Load(); n != 4 {
		t.Errorf("%d connections, want 4", n)
	}
}
