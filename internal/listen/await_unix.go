//go:build unix

package listen

import (
	"net"
	"os"
	"syscall"
)

// await waits until bytes or the end of c come, and reads them into a buffer, which it takes from
// the pool only then: most connections are idle most of the time.
func await(c *net.TCPConn) (b *buffer, n int, err error) {
	socket, err := c.SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	waited := socket.Read(func(fd uintptr) bool {
		b = buffers.Get().(*buffer)
		for {
			n, err = syscall.Read(int(fd), b[:])
			if err != syscall.EINTR {
				break
			}
		}
		if err != syscall.EAGAIN {
			return true
		}
		b.free()
		return false
	})
	if waited != nil {
		return nil, 0, waited
	}
	if err != nil {
		b.free()
		return nil, 0, os.NewSyscallError("read", err)
	}
	return b, n, nil
}
