package origin

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// RoundTrip sends req and returns what comes back. The request's URL begins with BaseURL's; one
// with another scheme or host isn't sent, since it would get the base's credentials. Its path is
// sent as RawPath spells it. 1xx responses go to req's httptrace.ClientTrace.
//
// A GET or HEAD without a body is sent once more if its connection, although made, broke before the
// first byte of a response: the server was about to close it, or was being restarted. A refused
// dial, a timeout or a context that is done is an error at once. The request may so reach the
// server twice, which both methods allow (RFC 9110 section 9.2.2).
//
// The errors of a request that was sent, those of its body's Read too, are net.Errors and name its
// method and its URL without userinfo.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	next, err := s.transports()
	if err == nil && !s.covers(req.URL) {
		err = fmt.Errorf("origin: %s is not on this origin's host: request what is below %s",
			withoutUserinfo(req.URL), s.BaseURL())
	}
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	c := &connections{url: req.URL}
	resp, err := c.send(s.choose(next, req), s.outgoing(c.trace(ctx), req))
	if err != nil {
		cancel(nil)
		return nil, failure("", req, err)
	}
	s.http2.Store(resp.ProtoMajor == 2)
	resp.Request = req // not the copy, which has the credentials
	s.limitBody(ctx, cancel, resp)
	return resp, nil
}

// covers reports whether u is on the base's host.
func (s *Server) covers(u *url.URL) bool {
	return u != nil && u.Scheme == s.base.Scheme && strings.EqualFold(u.Host, s.base.Host)
}

// outgoing returns a copy of req as it is to be sent.
func (s *Server) outgoing(ctx context.Context, req *http.Request) *http.Request {
	out := req.Clone(ctx)
	out.Trailer = req.Trailer // not a copy: it fills in as the body is read
	out.URL.User = nil
	out.Host = cmp.Or(s.Host, s.base.Host)
	s.keepSpelling(out)
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // keeps net/http from adding its own
	}
	if _, ok := out.Header["Authorization"]; !ok && s.base.User != nil {
		password, _ := s.base.User.Password()
		out.SetBasicAuth(s.base.User.Username(), password)
	}
	return out
}

// keepSpelling makes net/http send out's path as its RawPath spells it. net/http would escape a
// path again if it has a character that should be escaped and isn't. A path that begins with two
// slashes, or goes to a proxy, then has to be part of a whole URL, which every server must accept
// (RFC 9112 section 3.2.2).
func (s *Server) keepSpelling(out *http.Request) {
	u := out.URL
	if u.RawPath == "" || u.RawPath == u.EscapedPath() || unsendable(u.RawPath) {
		return
	}
	if path, err := url.PathUnescape(u.RawPath); err != nil || path != u.Path {
		return
	}
	u.Opaque = u.RawPath
	if strings.HasPrefix(u.RawPath, "//") || s.ProxyFromEnvironment && u.Scheme == "http" {
		u.Opaque = "//" + out.Host + u.RawPath
	}
}

// unsendable reports whether path can't be part of a request line.
func unsendable(path string) bool {
	return !strings.HasPrefix(path, "/") ||
		strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '?' || r == 0x7f })
}

// connections is what net/http says of the connections that it uses for one request.
type connections struct {
	url       *url.URL // of the request
	connected atomic.Bool
	answered  atomic.Bool
	current   atomic.Pointer[guardedConn]
}

// trace returns a context that has net/http inform c.
func (c *connections) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.connected.Store(false) },
		GotConn: func(info httptrace.GotConnInfo) {
			c.connected.Store(true)
			c.current.Store(use(info, c.url))
		},
		PutIdleConn: func(err error) {
			if conn := c.current.Load(); conn != nil && err == nil {
				conn.end()
			}
		},
		GotFirstResponseByte: func() { c.answered.Store(true) },
	})
}

// send is next.RoundTrip with the one retry that Server.RoundTrip's comment describes. net/http
// itself tries again when a connection that was idle breaks, but not when a connection breaks that
// it made for this request.
func (c *connections) send(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	brokeEarly := err != nil && c.connected.Load() && !c.answered.Load() && !isTimeout(err)
	if brokeEarly && req.Context().Err() == nil && repeatable(req) {
		return next.RoundTrip(req)
	}
	return resp, err
}

func repeatable(req *http.Request) bool {
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead || req.Method == ""
	return reads && !hasBody(req)
}

// limitBody applies BodyTimeout to resp's body. cancel ends ctx, the context of its request.
func (s *Server) limitBody(
	ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response,
) {
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The body is a connection of another protocol, which is written to as well; req's context
		// ends it.
	case resp.Body == nil || resp.Body == http.NoBody:
		cancel(nil)
		resp.Body = http.NoBody
	default:
		b := &serverBody{ReadCloser: resp.Body, req: resp.Request, ctx: ctx, cancel: cancel}
		b.limit = cmp.Or(limit(s.BodyTimeout, defaultBodyTimeout), math.MaxInt64)
		b.timer = time.AfterFunc(math.MaxInt64, b.late)
		b.timer.Stop() // Read starts it
		resp.Body = b
	}
}
