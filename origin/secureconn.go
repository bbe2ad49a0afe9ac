package origin

import "crypto/tls"

// secureConn is TLS over a guardedConn. It sees what TLS passes on, the guardedConn what comes from
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
