// Package origin serves files from where they are: a directory or an HTTP server. Each is an
// http.RoundTripper.
//
// What flows in is a GET or HEAD (an HTTP server takes other methods too) whose URL is the origin's
// base URL, as its BaseURL method returns it, with the escaped path of a resource behind it. What
// comes out is that resource's response: a status is a value, an error means that no response could
// be had. The caller owns the response and closes its body.
package origin

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server answers requests from an HTTP server. It sends each request with what the base URL and the
// fields below add to it, and returns the response as it comes: redirects aren't followed, bodies
// aren't decoded.
//
// A connection that it keeps by HTTP/1.1 is used again only when nothing more has come over it than
// was asked for (RFC 9112 section 6.3), and only for a GET or HEAD without a body; OnUnsolicited
// reports the others.
//
// HTTP makes a Server. The exported fields may be changed before the first request. A zero field
// stands for the default that its comment names, a negative duration for no limit. A Server is safe
// for concurrent use.
type Server struct {
	// Host is sent as the Host field instead of the request's. If empty, the base URL's host is
	// sent.
	Host string

	Timeouts

	// MaxHeaderBytes limits the size of a response's head. Default: 256 KiB.
	MaxHeaderBytes int64

	// MaxConns limits the number of connections; further requests wait for one, as long as their
	// contexts let them. Those by HTTP/2, those for a single request and those to upgrade have each
	// a limit of their own, of the same number. Default: no limit.
	MaxConns int

	// MaxIdleConns limits the number of connections kept for the next request. Default: 256.
	MaxIdleConns int

	// ProxyFromEnvironment sends requests through the proxy that HTTP_PROXY, HTTPS_PROXY and
	// NO_PROXY name. Otherwise they are ignored.
	ProxyFromEnvironment bool

	// TLS is the configuration for an https server, and for an https proxy. If nil, certificates
	// are verified by the system's roots.
	TLS *tls.Config

	// Transport sends the requests. If nil, a transport of the Server's own does, made of the
	// fields above. With one that is given, only Host and BodyTimeout apply, the latter if it heeds
	// the contexts of requests, and OnUnsolicited reports nothing.
	Transport http.RoundTripper

	base        *url.URL
	environment func(*http.Request) (*url.URL, error) // http.ProxyFromEnvironment

	mu   sync.Mutex
	next *transports // guarded by mu; nil before the first request and after SetTimeouts

	trust   trust
	version atomic.Int32 // of HTTP, on the last connection or response, upgrades apart
}

// HTTP returns a Server whose resources are below base. Userinfo in base is sent as Basic
// credentials (RFC 7617) with requests that have no Authorization field. Validate checks base.
func HTTP(base *url.URL) *Server {
	if base == nil {
		return new(Server)
	}
	c := *base
	return &Server{base: &c, environment: http.ProxyFromEnvironment}
}

// Validate returns what is wrong with s, if anything, and what to do about it. RoundTrip fails with
// the same error.
func (s *Server) Validate() error {
	problem := s.problem()
	if problem == "" {
		return nil
	}
	if s.base == nil || s.base.Host == "" { // then userinfo may have been parsed as something else
		return errors.New("origin: " + problem)
	}
	return fmt.Errorf("origin: %s: %s", withoutUserinfo(s.base), problem)
}

func (s *Server) problem() string {
	u := s.base
	switch {
	case u == nil:
		return "no URL: give the server's, like https://files.example.com/"
	case u.Opaque != "":
		return "the URL has no host: " +
			"write two slashes after the scheme, like https://files.example.com/"
	case u.Scheme == "":
		return "the URL has no scheme: begin it with http:// or https://"
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Sprintf("the scheme %q is not one that this origin speaks: use http or https",
			u.Scheme)
	case u.Hostname() == "":
		return "the URL has no host: name one, like " + u.Scheme + "://files.example.com/"
	case badPort(u.Port()):
		return fmt.Sprintf("%s is not a port: give a number from 1 to 65535", u.Port())
	case u.RawQuery != "" || u.ForceQuery:
		return "the URL has a query, which requests bring themselves: remove it from the ? on"
	case u.Fragment != "":
		return "the URL has a fragment, which no server gets to see: remove it from the # on"
	case strings.ContainsAny(s.Host, " \t\r\n/\\?#@"):
		return fmt.Sprintf("Host %q is not the name of a host: "+
			"give a name, and a port if need be, like files.example.com", s.Host)
	}
	return ""
}

func badPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port != "" && (err != nil || n == 0)
}

// Aliases are the hosts besides BaseURL's that the server knows itself by, as in redirects: the one
// in the Host field that it is sent.
func (s *Server) Aliases() []string {
	if s.Host == "" {
		return nil
	}
	return []string{s.Host}
}

// BaseURL returns the URL that requests' URLs begin with: a copy of HTTP's argument, without
// userinfo, its path ending in a slash.
func (s *Server) BaseURL() *url.URL {
	u := withoutUserinfo(s.base)
	if !strings.HasSuffix(u.EscapedPath(), "/") {
		u.Path += "/"
		if u.RawPath != "" {
			u.RawPath += "/"
		}
	}
	return u
}

// CloseIdleConnections closes the connections that no request uses. A later request makes a new
// one.
func (s *Server) CloseIdleConnections() {
	s.mu.Lock()
	next := s.next
	s.mu.Unlock()
	if next != nil {
		next.closeIdle()
	}
}

// OnUnsolicited has f called each time that bytes have come over a kept HTTP/1.1 connection which
// no request had asked for (RFC 9112 section 6.3), within about a second. While the connection was
// idle, such bytes can be told from a response and did no harm. But others may have come before,
// just after a request, where they can't be told from its response. So the responses to urls, which
// came over that connection after its first, may have been mixed up, and f should drop what it has
// kept of them. Up to the time until, the server gets no second request over any HTTP/1.1
// connection, and f is called for each that is given up for that.
//
// f must return soon and not call s. It isn't called any more once stop has returned.
func (s *Server) OnUnsolicited(f func(urls []string, until time.Time)) (stop func()) {
	t := &s.trust
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reports == nil {
		t.reports = map[*func([]string, time.Time)]bool{}
	}
	t.reports[&f] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.reports, &f)
	}
}

// withoutUserinfo returns a copy of u that may be shown. For nil it is an empty URL.
func withoutUserinfo(u *url.URL) *url.URL {
	if u == nil {
		return new(url.URL)
	}
	c := *u
	c.User = nil
	return &c
}
