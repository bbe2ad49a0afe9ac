package origin

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// dialPlain returns a function that connects to a server.
func (s *Server) dialPlain(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return guard(conn, false, &s.trust, s.closesIdle), nil
	}
}

// dialTLS returns a function that connects to a server and does the handshake. net/http has to see
// a *tls.Conn where the protocol is HTTP/2.
func (s *Server) dialTLS(dial dialFunc, protocols []string) dialFunc {
	config := s.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.NextProtos == nil || len(protocols) == 1 {
		config.NextProtos = protocols
	}
	timeout := cmp.Or(s.TLSTimeout, defaultTLSTimeout)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, timeout, errHandshake)
			defer cancel()
		}
		return s.handshake(ctx, conn, config, addr)
	}
}

// handshake makes conn a TLS connection to the server at addr. If it can't, it closes conn.
func (s *Server) handshake(ctx context.Context, conn net.Conn, config *tls.Config, addr string) (
	net.Conn, error,
) {
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	under := guard(conn, true, &s.trust, s.closesIdle)
	secure := tls.Client(under, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	guarded, ok := under.(*guardedConn)
	if !ok || secure.ConnectionState().NegotiatedProtocol == "h2" {
		return secure, nil
	}
	return &secureConn{secure, guarded}, nil
}

// errHandshake means that a TLS handshake took longer than TLSTimeout.
const errHandshake timeoutError = "TLS handshake takes too long"

// timeoutError is the error of an operation that took too long.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }
