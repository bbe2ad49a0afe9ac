//go:build unix

package listen

import (
	"cmp"
	"io"
	"net"
	"os"
	"syscall"
)

// await gives use what comes over c, until it returns true; use frees the buffer, or keeps it. The
// error is io.EOF at c's end. A buffer is taken from the pool only when bytes have come: most
// connections are idle most of the time.
func await(c *net.TCPConn, d *direct, use func(b *buffer, n int) (enough bool)) error {
	socket, err := c.SyscallConn()
	if err != nil {
		return err
	}
	// In one call, which knows of what comes meanwhile. So what is known to have been read to its
	// end needn't be read once more before the wait.
	waited := socket.Read(func(fd uintptr) bool {
		*d = direct{fd, true}
		for more := true; more; {
			var n int
			b := buffers.Get().(*buffer)
			if n, more, err = b.receive(fd); err == nil && n > 0 {
				if use(b, n) {
					return true
				}
				continue
			}
			b.free()
			switch err {
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false
			case nil:
				err = io.EOF
				return true
			default:
				err = os.NewSyscallError("read", err)
				return true
			}
		}
		return false
	})
	*d = direct{}
	return cmp.Or(waited, err)
}
