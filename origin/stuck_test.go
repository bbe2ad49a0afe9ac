package origin

import (
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
)

// stuckTransport gives every request a connection that nobody reads, and never closes that.
type stuckTransport struct{ conn net.Conn }

func (t stuckTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	trace.GotConn(httptrace.GotConnInfo{Conn: t.conn, Reused: true})
	return &http.Response{StatusCode: 200, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader("another's"))}, nil
}

// TestConnectionThatDoesntGo: a request that was given a connection which can't be used, and which
// doesn't go once it is closed, fails in the end. It doesn't get what may be another's response.
func TestConnectionThatDoesntGo(t *testing.T) {
	if !canPeek {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	synctest.Test(t, func(t *testing.T) {
		conn, err := net.Dial("tcp", l.Addr().String())
		check(t, err)
		s := newServer(t, &url.URL{Scheme: "http", Host: l.Addr().String()})
		under := newWire(conn, false)
		defer under.Close()
		s.Transport = stuckTransport{guard(under, under, &s.trust)}
		resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/"))
		if err == nil || !isTimeout(err) {
			t.Errorf("%v, %v", resp, err)
		}
	})
}
