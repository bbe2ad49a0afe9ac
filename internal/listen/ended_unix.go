//go:build unix

package listen

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ended waits for what comes over c, which it leaves there, and reports whether that is c's end.
func ended(c *net.TCPConn) (is bool) {
	socket, err := c.SyscallConn()
	if err != nil {
		return true
	}
	var first [1]byte
	err = socket.Read(func(fd uintptr) (enough bool) {
		n, _, err := unix.Recvfrom(int(fd), first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		for err == unix.EINTR {
			n, _, err = unix.Recvfrom(int(fd), first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		}
		is = n <= 0
		return err != unix.EAGAIN
	})
	return err == nil && is || err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}
