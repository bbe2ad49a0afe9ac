// Package dial makes connections to an HTTP server, by TLS and through a proxy where that is
// wanted.
package dial

import (
	"cmp"
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/scurrycache/scurry/internal/http1"
)

// Dialer makes connections to one server. Its fields may not be changed after the first Connect. It
// is safe for concurrent use.
type Dialer struct {
	Base *url.URL // names the server

	Timeout    time.Duration // limits how long it takes to connect; 0: no limit
	TLSTimeout time.Duration // limits the TLS handshake; 0: no limit

	// TLS is the configuration of a connection to an https server, and to an https proxy. Its
	// NextProtos are offered instead of those that Connect is given, unless that is one. If nil,
	// the zero configuration is used.
	TLS *tls.Config

	// ProxyFor returns the proxy for a request, like http.ProxyFromEnvironment. If nil, there is
	// none.
	ProxyFor func(*http.Request) (*url.URL, error)
}

// Connect connects to the server, or to the proxy that Forwarder returns. With an https server it
// does the handshake and offers protocols; the connection is a *tls.Conn then. What is below TLS is
// an http1.Socket where that can be. An error that is a net.Error tells whether it was a timeout.
func (d *Dialer) Connect(ctx context.Context, protocols ...string) (net.Conn, error) {
	conn, err := d.reach(ctx)
	if err != nil {
		return nil, err
	}
	secure := d.Base.Scheme == "https"
	if conn = http1.NewSocket(conn, secure); !secure {
		return conn, nil
	}
	config := d.config()
	if config.NextProtos == nil || len(protocols) == 1 {
		config.NextProtos = protocols
	}
	config.ServerName = cmp.Or(config.ServerName, ascii(d.Base.Hostname()))
	return d.handshake(ctx, conn, config)
}

func (d *Dialer) config() *tls.Config {
	if d.TLS == nil {
		return new(tls.Config)
	}
	return d.TLS.Clone()
}

// handshake does the TLS handshake on conn. If it fails, it closes conn.
func (d *Dialer) handshake(ctx context.Context, conn net.Conn, config *tls.Config,
) (net.Conn, error) {
	limit := cmp.Or(d.TLSTimeout, math.MaxInt64)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late("the TLS handshake"))
	defer cancel()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	return secure, nil
}

// timeoutError says what has taken too long.
type timeoutError string

func (e timeoutError) Error() string { return string(e) + " takes too long" }
func (timeoutError) Timeout() bool   { return true }

// late is the error of a connection that couldn't be made in time.
func late(what string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: timeoutError(what)}
}

func (d *Dialer) dial(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: d.Timeout}).DialContext(ctx, "tcp", addr)
}

// address returns the host and port that u names.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(ascii(u.Hostname()), cmp.Or(port, "80"))
}

// ascii returns host, a name or an address with or without a port, as DNS has it (RFC 5891).
func ascii(host string) string {
	a, err := httpguts.PunycodeHostPort(host)
	if err != nil {
		return host // nobody has that name
	}
	return a
}

// Authority returns host, a name or an address with or without a port, as it is in a request's
// target: in ASCII, and without an address's zone (RFC 6874 section 4).
func Authority(host string) string {
	host = ascii(host)
	from, to := strings.IndexByte(host, '%'), strings.LastIndexByte(host, ']')
	if strings.HasPrefix(host, "[") && 0 < from && from < to {
		return host[:from] + host[to:]
	}
	return host
}
