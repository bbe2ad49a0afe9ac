package origin

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/scurrycache/scurry/internal/dial"
	"github.com/scurrycache/scurry/internal/http1"
)

// pingInterval is how long an HTTP/2 connection may be silent before a ping asks whether it still
// works.
const pingInterval = 15 * time.Second

// transports are what send requests, each by connections of its own.
type transports struct {
	http1   http.RoundTripper // for requests that may be sent again
	http2   http.RoundTripper // for all, if the server speaks HTTP/2, or to learn whether it does
	once    http.RoundTripper // makes a connection for each request, by either version
	upgrade http.RoundTripper // so does this, for HTTP/1.1 only

	body time.Duration // BodyTimeout, as it was when they were made
	// what connecting takes at the most, and the wait for a response's head, as it was then
	step time.Duration
	via  *url.URL // the proxy that forwards requests, if there is one

	closeIdle func() // closes the connections that no request uses
	retire    func() // does so, and has no more kept where that can be had
}

// version is the major version of HTTP that a server speaks. 0: that isn't known.
type version = int32

// errOtherVersion is the error of a connection that turns out to be for the other version of HTTP.
var errOtherVersion = errors.New("the server speaks another version of HTTP")

// transports returns what sends requests; the first call makes it.
func (s *Server) transports() (*transports, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		return s.next, nil
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.next = s.given(); s.Transport == nil {
		s.next = s.made()
	}
	s.next.body = cmp.Or(limit(s.BodyTimeout, defaultBodyTimeout), math.MaxInt64)
	return s.next, nil
}

// given is the Transport that the Server was given.
func (s *Server) given() *transports {
	t := s.Transport
	idle := (&http.Client{Transport: t}).CloseIdleConnections
	return &transports{
		http1: t, http2: t, once: t, upgrade: t, step: math.MaxInt64 / 2, closeIdle: idle,
		retire: idle,
	}
}

// made are transports of the Server's own.
func (s *Server) made() *transports {
	d := &dial.Dialer{
		Base:       s.base,
		Timeout:    limit(s.DialTimeout, defaultDialTimeout),
		TLSTimeout: limit(s.TLSTimeout, defaultTLSTimeout),
		TLS:        s.TLS.Clone(),
	}
	if s.ProxyFromEnvironment {
		d.ProxyFor = s.environment
	}
	kept := &http1.Client{
		HeaderTimeout:  limit(s.HeaderTimeout, defaultHeaderTimeout),
		IdleTimeout:    limit(s.IdleTimeout, defaultIdleTimeout),
		MaxHeaderBytes: cmp.Or(s.MaxHeaderBytes, defaultHeaderBytes),
		MaxConns:       s.MaxConns,
		MaxIdleConns:   cmp.Or(s.MaxIdleConns, defaultIdleConns),
		Trusted:        s.trust.trusted,
		Unsolicited:    s.trust.suspect,
	}
	kept.Dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := d.Connect(ctx, "h2", "http/1.1")
		if err == nil && speaksHTTP2(conn) {
			_ = conn.Close()
			s.version.Store(2)
			return nil, errOtherVersion
		}
		return conn, err
	}
	http2 := s.newTransport(d, true, "h2", "http/1.1")
	http2.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if s.version.Load() == 1 { // as another request has learnt meanwhile
			return nil, errOtherVersion
		}
		conn, err := d.Connect(ctx, "h2", "http/1.1")
		if err == nil && !speaksHTTP2(conn) {
			s.version.Store(1)
			kept.Adopt(conn)
			return nil, errOtherVersion
		}
		return conn, err
	}
	return &transports{
		via:     d.Forwarder(),
		http1:   kept,
		http2:   http2,
		once:    s.newTransport(d, false, "h2", "http/1.1"),
		upgrade: s.newTransport(d, false, "http/1.1"),
		step: max(limit(s.HeaderTimeout, defaultHeaderTimeout),
			limit(s.DialTimeout, defaultDialTimeout)+limit(s.TLSTimeout, defaultTLSTimeout)),
		closeIdle: func() { kept.CloseIdle(); http2.CloseIdleConnections() },
		retire:    func() { kept.Retire(); http2.CloseIdleConnections() },
	}
}

func speaksHTTP2(conn net.Conn) bool {
	secure, ok := conn.(*tls.Conn)
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// SetTimeouts replaces the Server's Timeouts, at any time, for the requests that come after it.
// They use no connection that was made before.
func (s *Server) SetTimeouts(t Timeouts) {
	s.mu.Lock()
	last := s.next
	s.Timeouts, s.next = t, nil // transports makes it anew
	s.mu.Unlock()
	if last != nil {
		last.retire()
	}
}

// choose returns the transport for req. By HTTP/1.1, a request that can't be sent again gets a new
// connection, since one that was kept may turn out to be unusable.
func (s *Server) choose(t *transports, req *http.Request) http.RoundTripper {
	version := s.version.Load()
	switch again := repeatable(req); {
	case req.Header["Upgrade"] != nil:
		return t.upgrade
	case version == 2, version == 0 && again && s.base.Scheme == "https":
		return t.http2
	case again:
		return t.http1
	}
	return t.once
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// Defaults of a Server's limits.
const (
	defaultHeaderBytes = 256 << 10
	defaultIdleConns   = 256
)

func (s *Server) newTransport(d *dial.Dialer, keep bool, protocols ...string) *http.Transport {
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.Connect(ctx, protocols...)
	}
	return &http.Transport{
		DialContext:            connect,
		DialTLSContext:         connect,
		ResponseHeaderTimeout:  limit(s.HeaderTimeout, defaultHeaderTimeout),
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        limit(s.IdleTimeout, defaultIdleTimeout),
		MaxResponseHeaderBytes: cmp.Or(s.MaxHeaderBytes, defaultHeaderBytes),
		MaxConnsPerHost:        s.MaxConns,
		MaxIdleConnsPerHost:    cmp.Or(s.MaxIdleConns, defaultIdleConns),
		DisableKeepAlives:      !keep,
		DisableCompression:     true, // else it would ask for gzip on its own, and decode it
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: pingInterval,
			PingTimeout:     pingInterval,
		},
	}
}
