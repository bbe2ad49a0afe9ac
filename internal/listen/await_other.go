//go:build !unix

package listen

import "net"

// await gives use what comes over c, until it returns true; use frees the buffer, or keeps it. The
// error is io.EOF at c's end.
func await(c *net.TCPConn, _ *direct, use func(b *buffer, n int) (enough bool)) error {
	for {
		b := buffers.Get().(*buffer)
		n, err := c.Read(b.bytes[:])
		if err != nil {
			b.free()
			return err
		}
		if use(b, n) {
			return nil
		}
	}
}
