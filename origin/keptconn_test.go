package origin

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/http1"
)

// TestHalfARecord: a response that begins in a TLS record of before the request isn't its response.
func TestHalfARecord(t *testing.T) {
	skipUnlessKept(t)
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
	skipUnlessKept(t)
	raw, s := counted(t, false, func(int64) string { return "" })
	for range http1.MaxHistory + 1 {
		fetchOK(t, s)
	}
	if n := raw.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	fetchOK(t, s)
	if n := raw.conns.Load(); n != 2 {
		t.Errorf("%d connections after %d requests, want 2", n, http1.MaxHistory+2)
	}
	for range 12 {
		req := target(t, "GET", s.BaseURL(), "/"+strings.Repeat("x", http1.MaxHistoryBytes/4))
		if _, body, err := fetch(s, req); err != nil || body != "ok" {
			t.Error(body, err)
		}
	}
	if n := raw.conns.Load(); n < 4 || n > 6 {
		t.Errorf("%d connections after requests with long URLs", n)
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
		if n := raw.conns.Load(); n != 1 && http1.CanPoll {
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
			req.Method, req.Body, req.ContentLength = "POST", io.NopCloser(strings.NewReader("x")),
				1
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

// TestTransportWithTLS: a Transport that is given uses its own connections.
func TestTransportWithTLS(t *testing.T) {
	o := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		io.WriteString(w, "ok")
	}))
	defer o.Close()
	base, err := url.Parse(o.URL)
	check(t, err)
	s := newServer(t, base)
	s.Transport = o.Client().Transport
	for range 2 {
		fetchOK(t, s)
	}
}
