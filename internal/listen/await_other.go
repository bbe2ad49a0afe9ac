//go:build !unix

package listen

import "net"

// await reads the bytes that come into a buffer from the pool.
func await(c *net.TCPConn) (b *buffer, n int, err error) {
	b = buffers.Get().(*buffer)
	if n, err = c.Read(b[:]); err != nil {
		b.free()
		return nil, 0, err
	}
	return b, n, nil
}
