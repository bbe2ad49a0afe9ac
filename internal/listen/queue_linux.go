package listen

import (
	"cmp"
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepOut makes the system drop the packets that begin a connection to l, so that l's queue stays
// empty once it is. A client that tries to connect tries again a second later, and finds the port
// closed, or another process that listens. Connections that have begun go on: the filter sees TCP
// headers, and drops those with SYN and without ACK. A socket for Multipath TCP takes no filter.
func keepOut(l net.Listener) error {
	const flags, syn, ack = 13, 0x02, 0x10 // the flags' offset in a TCP header, and two of them
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: syn | ack},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 18}, // accept the packet, whatever its length
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	filter := &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return control(l, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, filter)
	})
}

// readable reports whether a listener has a connection to accept, or a connection has bytes to
// read.
func readable(socket any) bool { return ready(socket, unix.POLLIN) }

// writable reports whether a connection takes bytes.
func writable(socket any) bool { return ready(socket, unix.POLLOUT) }

func ready(socket any, event int16) (is bool) {
	_ = control(socket, func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(fd), Events: event}}
		_, err := unix.Poll(fds, 0)
		is = err == nil && fds[0].Revents&event != 0
		return err
	})
	return is
}

// control calls f with the file descriptor of socket, if that is one of package net's.
func control(socket any, f func(fd int) error) error {
	s, ok := socket.(syscall.Conn)
	if !ok {
		return errors.ErrUnsupported
	}
	c, err := s.SyscallConn()
	if err != nil {
		return err
	}
	closed := c.Control(func(fd uintptr) { err = f(int(fd)) })
	return cmp.Or(closed, err)
}
