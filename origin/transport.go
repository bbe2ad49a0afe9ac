package origin

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// pingInterval is how long an HTTP/2 connection may be silent before a ping asks whether it still works.
const pingInterval = 15 * time.Second

// transport returns what sends requests; the first call makes it.
func (s *Server) transport() (http.RoundTripper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		return s.next, nil
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s.next = s.Transport
	if s.next == nil {
		s.next = s.newTransport()
	}
	return s.next, nil
}

func (s *Server) newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: limit(s.DialTimeout, 10*time.Second)}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    limit(s.TLSTimeout, 10*time.Second),
		ResponseHeaderTimeout:  limit(s.HeaderTimeout, 30*time.Second),
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        limit(s.IdleTimeout, 90*time.Second),
		MaxResponseHeaderBytes: cmp.Or(s.MaxHeaderBytes, 256<<10),
		MaxConnsPerHost:        s.MaxConns,
		MaxIdleConnsPerHost:    cmp.Or(s.MaxIdleConns, 256),
		DisableCompression:     true, // else it would ask for gzip on its own, and decode it
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingInterval, PingTimeout: pingInterval},
	}
	if s.TLS != nil {
		t.TLSClientConfig = s.TLS.Clone()
	}
	if s.ProxyFromEnvironment {
		t.Proxy = environmentProxy
	}
	return t
}

// environmentProxy is http.ProxyFromEnvironment, but for its error, which would show the credentials in a variable.
func environmentProxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errors.New("the environment names no valid proxy: see HTTP_PROXY and HTTPS_PROXY")
	}
	return u, nil
}

// limit returns d, or byDefault if it is zero, or zero, which means none to net and net/http, if it is negative.
func limit(d, byDefault time.Duration) time.Duration {
	return max(cmp.Or(d, byDefault), 0)
}
