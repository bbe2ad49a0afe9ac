package origin

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTrustIsLost: an origin that has sent what no request had asked for gets one request on each
// connection, for some time.
func TestTrustIsLost(t *testing.T) {
	skipUnlessKept(t)
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
		if want := slices.Repeat([]string{s.BaseURL().String() + "x"}, 3); !slices.Equal(got.urls,
			want) || time.Until(got.until) < 59*time.Minute {
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

// TestSuspectedSpelling: what is suspected is named by the URL that was requested, whatever its
// spelling.
func TestSuspectedSpelling(t *testing.T) {
	skipUnlessKept(t)
	_, s := counted(t, false, func(n int64) string { return map[int64]string{2: "more"}[n] })
	heard := make(chan []string, 1)
	defer s.OnUnsolicited(func(urls []string, _ time.Time) { heard <- urls })()
	for range 2 {
		req := target(t, "GET", s.BaseURL(), "/a%7cb%7cc")
		req.URL.RawPath, req.URL.User = "/a%7cb|c", url.UserPassword("user", "sesame")
		if _, body, err := fetch(s, req); err != nil || body != "ok" {
			t.Error(body, err)
		}
	}
	if got, want := <-heard, s.BaseURL().String()+"a%7Cb%7Cc"; !slices.Equal(got, []string{want}) {
		t.Errorf("told of %q, want %q", got, want)
	}
}

// TestBrokenOffBody: a connection whose response hasn't been read to its end isn't used again, and
// is no reason for distrust.
func TestBrokenOffBody(t *testing.T) {
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		for readHead(r) != "" {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%s",
				strings.Repeat("HTTP/1.1 200 OK\r\n\r\n   ", 4000))
		}
	})
	s := newServer(t, raw.URL)
	defer s.OnUnsolicited(func(urls []string, _ time.Time) { t.Errorf("told of %q", urls) })()
	for range 20 {
		resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/"))
		check(t, err)
		if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil ||
			resp.ContentLength != 100000 {
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
	skipUnlessKept(t)
	for name, end := range map[string]struct {
		extra  string
		secure bool
	}{
		"closed": {}, "closed over TLS": {secure: true},
		"with a 408":          {extra: "HTTP/1.1 408 Request Time-out\r\nConnection: close\r\n\r\n"},
		"with a 408 over TLS": {extra: "HTTP/1.0 408 Request Time-out\r\n\r\n", secure: true},
		"with a line end":     {extra: "\r\n"},
	} {
		certificate := exampleTLS(t)
		idling, gone := make(chan struct{}), make(chan struct{})
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
				c.Close()
				gone <- struct{}{}
			case <-s.stop:
			}
		})
		if end.secure {
			raw.Scheme = "https"
		}
		s := newServer(t, raw.URL)
		s.TLS = &tls.Config{InsecureSkipVerify: true}
		stop := s.OnUnsolicited(func(urls []string, _ time.Time) {
			t.Errorf("%s: told of %q", name,
				urls)
		})
		for range 3 {
			fetchOK(t, s)
			fetchOK(t, s)
			idling <- struct{}{}
			<-gone
		}
		stop()
		if n := raw.conns.Load(); n != 3 {
			t.Errorf("%s: %d connections, want 3", name, n)
		}
	}
}
