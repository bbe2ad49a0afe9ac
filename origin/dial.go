package origin

import (
	"cmp"
	"context"
	"crypto/tls"
	"math"
	"net"
	"time"
)

// dialer makes connections to a server.
type dialer struct {
	net.Dialer
	trust   *trust
	config  *tls.Config
	timeout time.Duration // of the TLS handshake
}

func (s *Server) newDialer(protocols []string) *dialer {
	d := &dialer{
		Dialer:  net.Dialer{Timeout: limit(s.DialTimeout, defaultDialTimeout)},
		trust:   &s.trust,
		config:  s.TLS.Clone(),
		timeout: cmp.Or(limit(s.TLSTimeout, defaultTLSTimeout), math.MaxInt64),
	}
	if d.config == nil {
		d.config = new(tls.Config)
	}
	if d.config.NextProtos == nil || len(protocols) == 1 {
		d.config.NextProtos = protocols
	}
	return d
}

// plain connects to the server at addr.
func (d *dialer) plain(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn = newWire(conn, false)
	return guard(conn, conn, d.trust), nil
}

// secure connects to the server at addr and does the handshake. net/http has to see a *tls.Conn
// where the protocol is HTTP/2.
func (d *dialer) secure(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout,
		timeoutError("TLS handshake takes too long"))
	defer cancel()
	config := d.config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	conn = newWire(conn, true)
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return secure, nil
	}
	return guard(secure, conn, d.trust), nil
}

// Timeouts are those of a Server. Zero stands for the default that the comment names, a negative
// duration for no limit.
type Timeouts struct {
	// DialTimeout limits how long a connection may take to be made. Default: 10 seconds.
	DialTimeout time.Duration

	// TLSTimeout limits how long a TLS handshake may take. Default: 10 seconds.
	TLSTimeout time.Duration

	// HeaderTimeout limits the time from a request's last byte to the end of its response's head.
	// Default: 30 seconds.
	HeaderTimeout time.Duration

	// BodyTimeout limits how long a Read of a body may wait for its next byte; a reader that pauses
	// between Reads isn't held against the server. The Read's error then has a Timeout method that
	// returns true. Default: 30 seconds.
	BodyTimeout time.Duration

	// IdleTimeout is how long an unused connection is kept for the next request. Default: 90
	// seconds.
	IdleTimeout time.Duration
}

// Defaults of Timeouts.
const (
	defaultDialTimeout   = 10 * time.Second
	defaultTLSTimeout    = 10 * time.Second
	defaultHeaderTimeout = 30 * time.Second
	defaultBodyTimeout   = 30 * time.Second
	defaultIdleTimeout   = 90 * time.Second
)

// limit returns d, or byDefault if d is zero. If d is negative it returns zero, which means no
// limit to net and net/http.
func limit(d, byDefault time.Duration) time.Duration {
	return max(cmp.Or(d, byDefault), 0)
}

// timeoutError is the error of an operation that took too long.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }
