package origin

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"net/url"
	"time"
)

// pingInterval is how long an HTTP/2 connection may be silent before a ping asks whether it still
// works.
const pingInterval = 15 * time.Second

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
	s.next = &transports{kept: s.Transport, once: s.Transport, upgrade: s.Transport,
		step: math.MaxInt64 / 2}
	if s.Transport == nil {
		s.trust.idleTimeout.Store(int64(limit(s.IdleTimeout, defaultIdleTimeout)))
		s.next = &transports{
			kept:    s.newTransport(true, "h2", "http/1.1"),
			once:    s.newTransport(false, "h2", "http/1.1"),
			upgrade: s.newTransport(false, "http/1.1"),
			step: max(limit(s.HeaderTimeout, defaultHeaderTimeout),
				limit(s.DialTimeout, defaultDialTimeout)+limit(s.TLSTimeout, defaultTLSTimeout)),
		}
	}
	s.next.body = cmp.Or(limit(s.BodyTimeout, defaultBodyTimeout), math.MaxInt64)
	return s.next, nil
}

// SetTimeouts replaces the Server's Timeouts, at any time, for the requests that come after it.
// They use no connection that was made before.
func (s *Server) SetTimeouts(t Timeouts) {
	s.mu.Lock()
	last := s.next
	s.Timeouts, s.next = t, nil // transports makes it anew
	s.mu.Unlock()
	s.closeIdle(last)
}

// choose returns the transport for req. A request with a body can't be sent again over another
// connection if its connection turns out to be unusable, so it gets a new one. HTTP/2 doesn't have
// that problem.
func (s *Server) choose(t *transports, req *http.Request) http.RoundTripper {
	switch {
	case req.Header["Upgrade"] != nil:
		return t.upgrade
	case s.http2.Load():
		return t.kept
	case !canPeek, hasBody(req), s.trust.distrusted():
		return t.once
	}
	return t.kept
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func (s *Server) newTransport(keep bool, protocols ...string) *http.Transport {
	d := s.newDialer(protocols)
	t := &http.Transport{
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		TLSClientConfig:        s.TLS.Clone(),
		TLSHandshakeTimeout:    limit(s.TLSTimeout, defaultTLSTimeout), // through a proxy
		ResponseHeaderTimeout:  limit(s.HeaderTimeout, defaultHeaderTimeout),
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        limit(s.IdleTimeout, defaultIdleTimeout),
		MaxResponseHeaderBytes: cmp.Or(s.MaxHeaderBytes, 256<<10),
		MaxConnsPerHost:        s.MaxConns,
		MaxIdleConnsPerHost:    cmp.Or(s.MaxIdleConns, 256),
		DisableKeepAlives:      !keep,
		DisableCompression:     true, // else it would ask for gzip on its own, and decode it
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: pingInterval,
			PingTimeout:     pingInterval,
		},
	}
	if s.ProxyFromEnvironment {
		t.Proxy = environmentProxy
	}
	return t
}

// environmentProxy is http.ProxyFromEnvironment with another error, since its own would show the
// credentials in a variable.
func environmentProxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errors.New("the environment names no valid proxy: " +
			"see HTTP_PROXY and HTTPS_PROXY")
	}
	return u, nil
}
