package origin

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
)

// secureConn is TLS over a guardedConn. It sees what TLS hands on, the guardedConn what comes from
// the network.
type secureConn struct {
	*tls.Conn
	guarded *guardedConn
}

// Read is net.Conn's.
func (c *secureConn) Read(p []byte) (int, error) {
	c.guarded.look()
	for {
		n, err := c.Conn.Read(p)
		if n > 0 {
			n, err = c.guarded.received(p[:n], err)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// Close is net.Conn's.
func (c *secureConn) Close() error {
	c.guarded.judge()
	return c.Conn.Close()
}

// dialTLS returns a function that connects to a server and does the handshake. net/http has to see
// a *tls.Conn where the protocol is HTTP/2.
func (s *Server) dialTLS(dial dialFunc, protocols []string) dialFunc {
	config := new(tls.Config)
	if s.TLS != nil {
		config = s.TLS.Clone()
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

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// handshake makes conn a TLS connection to the server at addr. If it can't, it closes conn.
func (s *Server) handshake(ctx context.Context, conn net.Conn, config *tls.Config, addr string) (net.Conn, error) {
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	under := s.guard(conn, true)
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

// handshakeError says that a TLS handshake took longer than TLSTimeout.
type handshakeError struct{}

var errHandshake = handshakeError{}

func (handshakeError) Error() string { return "TLS handshake takes too long" }
func (handshakeError) Timeout() bool { return true }

// tlsRecords follows the records of TLS in a stream of bytes (RFC 8446 section 5.1).
type tlsRecords struct {
	header [5]byte
	have   int // bytes of header
	left   int // bytes that the record's content still lacks
}

// within reports whether the last record isn't complete.
func (t *tlsRecords) within() bool { return t.have > 0 || t.left > 0 }

// advance takes note of what has come.
func (t *tlsRecords) advance(b []byte) {
	for len(b) > 0 {
		if t.left > 0 {
			n := min(t.left, len(b))
			t.left -= n
			b = b[n:]
			continue
		}
		n := copy(t.header[t.have:], b)
		b = b[n:]
		if t.have += n; t.have == len(t.header) {
			t.left, t.have = int(t.header[3])<<8|int(t.header[4]), 0
		}
	}
}
