package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/http1"
	"github.com/scurrycache/scurry/internal/origintest"
)

const short = 100 * time.Millisecond

func TestServerFaults(t *testing.T) {
	big := strings.Repeat("x", 256<<10)
	for _, test := range []struct {
		name, answer string
		conns        int64
		want         error  // nil for any
		body         string // read before the error; "" if there is no response
	}{
		{name: "nothing", answer: "", conns: 2},
		{name: "garbage", answer: "I am not a web server\r\n\r\n", conns: 1},
		{name: "half a head", answer: "HTTP/1.1 200 OK\r\nContent-Le", conns: 1},
		{name: "a bad field", answer: "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", conns: 1},
		{name: "a bad length", answer: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", conns: 1},
		{name: "a huge head", answer: "HTTP/1.1 200 OK\r\nX: " + big + "\r\n\r\n", conns: 1},
		{name: "a huge line", answer: big + big, conns: 1},
		{name: "an interim response only", answer: "HTTP/1.1 103 Early Hints\r\n\r\n", conns: 1},
		{name: "a short body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
			conns: 1, want: io.ErrUnexpectedEOF, body: "12345"},
		{name: "half a chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: " +
			"chunked\r\n\r\nA\r\n12345", conns: 1, want: io.ErrUnexpectedEOF, body: "12345"},
		{name: "no last chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: " +
			"chunked\r\n\r\n5\r\n12345\r\n", conns: 1, want: io.ErrUnexpectedEOF, body: "12345"},
		{name: "a bad chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: " +
			"chunked\r\n\r\n5\r\n12345\r\nzz\r\n", conns: 1, body: "12345"},
	} {
		raw := answering(t, test.answer)
		raw.User = url.UserPassword("user", "sesame")
		s := newServer(t, raw.URL)
		req := target(t, "GET", s.BaseURL(), "/path")
		req.URL.User = raw.User
		resp, body, err := fetch(s, req)
		if err == nil || body != test.body || (resp != nil) != (test.body != "") {
			t.Errorf("%s: %v with %q, %v", test.name, resp, body, err)
			continue
		}
		if test.want != nil && !errors.Is(err, test.want) || http1.IsTimeout(err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if !strings.Contains(err.Error(), "GET "+s.BaseURL().String()+"path: ") ||
			strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error is %v", test.name, err)
		}
		if n := raw.conns.Load(); n != test.conns {
			t.Errorf("%s: %d connections, want %d", test.name, n, test.conns)
		}
	}
}

func TestServerHeaderLimit(t *testing.T) {
	const limit = 64 << 10
	for size, ok := range map[int]bool{limit / 2: true, limit * 2: false} {
		raw := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "+strings.Repeat("x", size)+
			"\r\n\r\n")
		s := newServer(t, raw.URL)
		s.MaxHeaderBytes = limit
		if _, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/")); (err == nil) != ok {
			t.Errorf("%d bytes of head: %v", size, err)
		}
	}
}

func TestServerRetry(t *testing.T) {
	for _, test := range []struct {
		method, body string
		drops        int64 // connections that the server closes without an answer
		conns        int64
		ok           bool
	}{
		{"GET", "", 0, 1, true},
		{"GET", "", 1, 2, true},
		{"HEAD", "", 1, 2, true},
		{"GET", "", 2, 2, false},
		{"GET", "body", 1, 1, false},
		{"POST", "", 1, 1, false},
		{"PUT", "body", 1, 1, false},
		{"DELETE", "", 1, 1, false},
	} {
		raw := newRawServer(t, func(_ *rawServer, n int64, c net.Conn, r *bufio.Reader) {
			readHead(r)
			if n > test.drops {
				io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			}
		})
		s := newServer(t, raw.URL)
		req := target(t, test.method, s.BaseURL(), "/")
		if test.body != "" {
			req.Body = io.NopCloser(strings.NewReader(test.body))
		}
		if _, _, err := fetch(s, req); (err == nil) != test.ok {
			t.Errorf("%s %q after %d drops: %v", test.method, test.body, test.drops, err)
		}
		if n := raw.conns.Load(); n != test.conns {
			t.Errorf("%s %q after %d drops: %d connections, want %d", test.method, test.body,
				test.drops, n, test.conns)
		}
	}
}

func TestServerDialFails(t *testing.T) {
	l := origintest.Listen(t) // at an address that nothing else takes when it is closed
	check(t, l.Close())
	s := newServer(t, &url.URL{Scheme: "http", Host: l.Addr().String(),
		User: url.UserPassword("user", "sesame")})
	dials := 0
	s.Transport = &http.Transport{DialContext: func(ctx context.Context, network,
		address string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	_, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/"))
	if !errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "sesame") ||
		http1.IsTimeout(err) || dials != 1 {
		t.Errorf("%v after %d dials", err, dials)
	}
	s = newServer(t, s.BaseURL())
	s.DialTimeout = 1 // nanosecond
	if _, _, err = fetch(s, target(t, "GET", s.BaseURL(), "/")); !http1.IsTimeout(err) {
		t.Errorf("after DialTimeout: %v", err)
	}
}

// silent returns a rawServer that sends answer and then nothing, but keeps the connection open.
func silent(t *testing.T, answer string) *rawServer {
	return newRawServer(t, func(s *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		if readHead(r) != "" {
			io.WriteString(c, answer)
			<-s.stop
		}
	})
}

func TestServerTimeouts(t *testing.T) {
	deaf := newRawServer(t, func(s *rawServer, _ int64, _ net.Conn, _ *bufio.Reader) { <-s.stop })
	for _, test := range []struct {
		name   string
		raw    *rawServer
		scheme string
		set    func(*Server)
		body   string
	}{
		{"no head", silent(t, ""), "http", func(s *Server) { s.HeaderTimeout = short }, ""},
		{"half a head", silent(t, "HTTP/1.1 200 OK\r\nX: "), "http",
			func(s *Server) { s.HeaderTimeout = short }, ""},
		{"no body", silent(t, "HTTP/1.1 200 OK\r\n\r\n"), "http",
			func(s *Server) { s.BodyTimeout = short }, ""},
		{"half a body", silent(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345"), "http",
			func(s *Server) { s.BodyTimeout = short }, "12345"},
		{"no handshake", deaf, "https", func(s *Server) { s.TLSTimeout = short }, ""},
	} {
		s := newServer(t, &url.URL{Scheme: test.scheme, Host: test.raw.Host})
		test.set(s)
		_, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/"))
		if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() || body != test.body ||
			!strings.Contains(err.Error(), "GET "+s.BaseURL().String()) {
			t.Errorf("%s: %q, %v", test.name, body, err)
		}
		if n := test.raw.conns.Load(); n != 1 {
			t.Errorf("%s: %d connections", test.name, n)
		}
	}
}

func TestServerTimeoutsHTTP2(t *testing.T) {
	stop := make(chan struct{})
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		if r.URL.Path == "/body" {
			io.WriteString(w, "12345")
			http.NewResponseController(w).Flush()
		}
		<-stop
	}))
	origin.EnableHTTP2 = true
	origin.StartTLS()
	defer origin.Close()
	defer close(stop)
	base, err := url.Parse(origin.URL)
	check(t, err)
	s := newServer(t, base)
	s.TLS = origin.Client().Transport.(*http.Transport).TLSClientConfig
	s.HeaderTimeout, s.BodyTimeout = 5*short, short
	for path, want := range map[string]string{"/head": "", "/body": "12345"} {
		_, body, err := fetch(s, target(t, "GET", s.BaseURL(), path))
		if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() || body != want {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
}

func TestServerTLSConfig(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.NotFoundHandler())
	origin.Config.ErrorLog = log.New(io.Discard, "", 0)
	origin.StartTLS()
	defer origin.Close()
	base, err := url.Parse(origin.URL)
	check(t, err)
	s := newServer(t, base)
	var unknown *tls.CertificateVerificationError
	if _, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/")); !errors.As(err, &unknown) {
		t.Errorf("a certificate that nobody signed: %v", err)
	}
}

func TestServerContext(t *testing.T) {
	raw := silent(t, "HTTP/1.1 200 OK\r\n\r\n12345")
	s := newServer(t, raw.URL)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/").WithContext(ctx))
	check(t, err)
	defer resp.Body.Close()
	_, err = io.ReadFull(resp.Body, make([]byte, 5))
	check(t, err)
	cancel()
	if n, err := resp.Body.Read(make([]byte, 5)); n != 0 || !errors.Is(err, context.Canceled) ||
		http1.IsTimeout(err) {
		t.Errorf("Read: %d, %v", n, err)
	}
	if _, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/").WithContext(ctx)); !errors.Is(err,
		context.Canceled) {
		t.Errorf("RoundTrip: %v", err)
	}
}

func TestServerBodyCloseEndsContext(t *testing.T) {
	var ctx context.Context
	s := HTTP(&url.URL{Scheme: "http", Host: "origin.test"})
	s.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		ctx = req.Context()
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("body"))}, nil
	})
	resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/"))
	check(t, err)
	if body, err := io.ReadAll(resp.Body); string(body) != "body" || err != nil ||
		ctx.Err() != nil {
		t.Errorf("%q, %v, context: %v", body, err, ctx.Err())
	}
	check(t, resp.Body.Close())
	if ctx.Err() == nil {
		t.Error("Close leaves the request's context")
	}
}

// TestBodyTimeoutCountsReads lets hours pass. The server, at the other end of a pipe, sends a byte
// for each value on more.
func TestBodyTimeoutCountsReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		more := make(chan time.Duration)
		go func() {
			defer server.Close()
			readHead(bufio.NewReader(server))
			io.WriteString(server, "HTTP/1.1 200 OK\r\n\r\n")
			for wait := range more {
				<-time.After(wait)
				io.WriteString(server, "x")
			}
		}()
		s := HTTP(&url.URL{Scheme: "http", Host: "origin.test"})
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn,
			error) {
			return client, nil
		}}
		s.Transport = transport
		resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/"))
		check(t, err)
		for _, wait := range []time.Duration{0, 29 * time.Second, 29 * time.Second,
			30*time.Second - 1} {
			more <- wait
			if n, err := resp.Body.Read(make([]byte, 9)); n != 1 || err != nil {
				t.Fatalf("a byte after %v: %d, %v", wait, n, err)
			}
			<-time.After(24 * time.Hour) // a pause of the reader's
		}
		start := time.Now()
		for range 2 {
			if n, err := resp.Body.Read(make([]byte, 9)); n != 0 || !http1.IsTimeout(err) {
				t.Errorf("no more bytes: %d, %v", n, err)
			}
		}
		if waited := time.Since(start); waited != 30*time.Second {
			t.Errorf("the Read returned after %v", waited)
		}
		close(more)
		check(t, resp.Body.Close())
		transport.CloseIdleConnections()
	})
}

func TestBodyTimeoutNegative(t *testing.T) {
	raw := answering(t, "HTTP/1.1 200 OK\r\n\r\n12345")
	s := newServer(t, raw.URL)
	s.DialTimeout, s.TLSTimeout, s.HeaderTimeout, s.BodyTimeout, s.IdleTimeout = -1, -1, -1, -1, -1
	if _, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/")); err != nil || body != "12345" {
		t.Errorf("%q, %v", body, err)
	}
}
