// Package dial makes connections to an HTTP server, by TLS and through a proxy where that is
// wanted.
package dial

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/scurrycache/scurry/internal/http1"
)

// Dialer makes connections to one server. It is safe for concurrent use, and its fields may not be
// changed any more.
type Dialer struct {
	Base *url.URL // names the server

	Timeout    time.Duration // limits how long it takes to connect; 0: no limit
	TLSTimeout time.Duration // limits the handshake of TLS; 0: no limit

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
	config.ServerName = cmp.Or(config.ServerName, d.Base.Hostname())
	return d.handshake(ctx, conn, config)
}

func (d *Dialer) config() *tls.Config {
	if d.TLS == nil {
		return new(tls.Config)
	}
	return d.TLS.Clone()
}

// handshake does the handshake of TLS on conn. If it fails, it closes conn.
func (d *Dialer) handshake(ctx context.Context, conn net.Conn, config *tls.Config,
) (net.Conn, error) {
	limit := cmp.Or(d.TLSTimeout, math.MaxInt64)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late("the handshake of TLS"))
	defer cancel()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	return secure, nil
}

// late is the error of a timeout.
func late(what string) error {
	return fmt.Errorf("%s takes too long: %w", what, os.ErrDeadlineExceeded)
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
	return net.JoinHostPort(u.Hostname(), cmp.Or(port, "80"))
}
