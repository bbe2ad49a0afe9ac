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
