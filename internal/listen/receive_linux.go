package listen

import (
	"net"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver is what the system needs to know of a buffer. It tells how many bytes are left to be
// read.
type receiver struct {
	header  unix.Msghdr
	bytes   unix.Iovec
	control struct {
		unix.Cmsghdr
		left int32
		_    [4]byte
	}
}

// receive reads into b what has come over the socket, without waiting. Unless more is set, there is
// nothing more to be read, nor the connection's end.
func (b *buffer) receive(fd uintptr) (n int, more bool, err error) {
	r := &b.receiver
	if r.header.Iov == nil {
		r.header.Iov, r.header.Iovlen = &r.bytes, 1
		r.bytes.Base = &b.bytes[0]
		r.bytes.SetLen(len(b.bytes))
		r.header.Control = (*byte)(unsafe.Pointer(&r.control))
	}
	r.header.SetControllen(int(unsafe.Sizeof(r.control)))
	r.control.left = 1 // unless the system says so
	read, _, failed := syscall.RawSyscall(unix.SYS_RECVMSG, fd,
		uintptr(unsafe.Pointer(&r.header)), 0)
	runtime.KeepAlive(b)
	if failed != 0 {
		return 0, true, failed
	}
	return int(read), r.control.left > 0, nil
}

// tellWhatIsLeft makes the system tell, on connections to l, how many bytes are left to be read.
func tellWhatIsLeft(l net.Listener) {
	_ = control(l, func(fd int) error { // without it there is one read more
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_INQ, 1)
	})
}
