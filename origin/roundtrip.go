package origin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/dial"
)

// RoundTrip sends req and returns what comes back. The request's URL begins with BaseURL's; one
// with another scheme or host isn't sent, since it would get the base's credentials. Its path is
// sent as RawPath spells it. 1xx responses go to req's httptrace.ClientTrace.
//
// A GET or HEAD without a body is sent once more, over a new connection, if its connection,
// although made, broke before the first byte of a response: the server was about to close it, or
// was being restarted. A refused dial, a timeout or a context that is done is an error at once,
// unless the timeout has come late, since this process stood still. The request may so reach the
// server several times, which both methods allow (RFC 9110 section 9.2.2).
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
	x := &exchange{req: req, limit: next.body, step: next.step}
	x.ctx, x.cancel = context.WithCancelCause(req.Context())
	resp, err := s.send(x, next)
	if err != nil {
		x.cancel(nil)
		return nil, x.failure("", err)
	}
	resp.Request = req // not the copy, which has the credentials
	x.follow(resp)
	return resp, nil
}

// send sends x's request by the transport that suits it, and by another if the server turns out to
// speak another version of HTTP. A server with several addresses may speak both.
func (s *Server) send(x *exchange, next *transports) (*http.Response, error) {
	out := s.outgoing(x.traced(), x.req, next.via)
	var held *heldBody
	if hasBody(out) && s.Transport == nil {
		held = &heldBody{ReadCloser: out.Body}
		out.Body = held
		defer held.release()
	}
	resp, err := x.send(s.choose(next, out), out)
	for tries := 0; tries < 2 && errors.Is(err, errOtherVersion); tries++ {
		held.keep()
		if tries == 0 {
			resp, err = x.send(s.choose(next, out), out)
		} else {
			resp, err = x.send(next.once, out)
		}
	}
	if err == nil && out.Header["Upgrade"] == nil {
		s.version.Store(spoken(resp))
	}
	return resp, err
}

// AwaitsByTask marks a Server, for package proxy, as a RoundTripper that waits by way of the Task
// that the context of a request may have. It is of no use to others.
func (s *Server) AwaitsByTask() {}

// spoken is the version that a response came by.
func spoken(resp *http.Response) version {
	if resp.TLS != nil && resp.TLS.NegotiatedProtocol == "h2" {
		return 2
	}
	return 1
}

// covers reports whether u is on the base's host.
func (s *Server) covers(u *url.URL) bool {
	return u != nil && u.Scheme == s.base.Scheme && strings.EqualFold(u.Host, s.base.Host)
}

// outgoing returns a copy of req as it is to be sent, to the proxy via if that isn't nil.
func (s *Server) outgoing(ctx context.Context, req *http.Request, via *url.URL) *http.Request {
	out := req.WithContext(ctx)
	out.URL = withoutUserinfo(req.URL)
	out.Host = cmp.Or(s.Host, s.base.Host)
	if out.Header = maps.Clone(req.Header); out.Header == nil {
		out.Header = make(http.Header)
	}
	if out.Header["User-Agent"] == nil {
		out.Header.Set("User-Agent", "") // keeps net/http from adding its own
	}
	if out.Header["Authorization"] == nil && s.base.User != nil {
		password, _ := s.base.User.Password()
		out.SetBasicAuth(s.base.User.Username(), password)
	}
	if out.Header["Te"] != nil && s.base.Scheme == "http" { // by HTTP/1.1
		// RFC 9110 section 10.1.4; there may be an Upgrade
		out.Header["Connection"] = append(slices.Clip(out.Header["Connection"]), "TE")
	}
	path := spelling(out.URL)
	if out.URL.Opaque = path; via != nil || strings.HasPrefix(path, "//") {
		out.URL.Opaque = "//" + dial.Authority(out.Host) + cmp.Or(path, out.URL.EscapedPath(), "/")
	}
	if via != nil {
		dial.Authorize(out.Header, via)
	}
	return out
}

// spelling returns u's path as its RawPath spells it, "" if net/http sends that anyway. net/http
// would escape a path again if it has a character that should be escaped and isn't. A path that
// begins with two slashes then has to be part of a whole URL, which every server must accept
// (RFC 9112 section 3.2.2), as one to a proxy is.
func spelling(u *url.URL) string {
	if u.RawPath == "" || u.RawPath == u.EscapedPath() || unsendable(u.RawPath) {
		return ""
	}
	if path, err := url.PathUnescape(u.RawPath); err != nil || path != u.Path {
		return ""
	}
	return u.RawPath
}

// unsendable reports whether path can't be part of a request line.
func unsendable(path string) bool {
	return !strings.HasPrefix(path, "/") ||
		strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '?' || r == 0x7f })
}
