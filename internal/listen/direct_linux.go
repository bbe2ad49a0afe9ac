package listen

import (
	"net"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// direct is a socket that the lane sends to by itself while await reads from it. Package net tells
// Go's scheduler of each call of the system, which may take long. That, and what the scheduler does
// about it, costs a small response a tenth of its time. To send a few bytes never takes long.
type direct struct {
	fd   uintptr
	held bool // by await, so that it stays open
}

const (
	mostDirect = 128 << 10 // bytes, which the system copies in some 20 µs
	mostPieces = 8

	sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
)

// send sends what the socket takes of b at once, consumes that, and returns how many bytes it is.
// It leaves what is too much, and errors, to who sends the rest.
func (d *direct) send(b *net.Buffers) (sent int64) {
	size := 0
	for _, p := range *b {
		size += len(p)
	}
	if !d.held || size > mostDirect || len(*b) > mostPieces {
		return 0
	}
	var n uintptr
	var failed syscall.Errno
	if len(*b) == 1 { // which costs less
		n, _, failed = syscall.RawSyscall6(unix.SYS_SENDTO, d.fd,
			uintptr(unsafe.Pointer(unsafe.SliceData((*b)[0]))), uintptr(size), sendFlags, 0, 0)
	} else {
		n, failed = d.sendPieces(*b)
	}
	runtime.KeepAlive(*b)
	if failed != 0 {
		return 0
	}
	consume(b, int(n))
	return int64(n)
}

// sendNow is send for a socket that await isn't reading from.
func sendNow(c *net.TCPConn, b *net.Buffers) (sent int64) {
	_ = control(c, func(fd int) error { // which fails if it is closed, as for who sends the rest
		d := direct{uintptr(fd), true}
		sent = d.send(b)
		return nil
	})
	return sent
}

func (d *direct) sendPieces(b net.Buffers) (n uintptr, failed syscall.Errno) {
	var pieces [mostPieces]unix.Iovec
	for i, p := range b {
		pieces[i].Base = unsafe.SliceData(p)
		pieces[i].SetLen(len(p))
	}
	message := unix.Msghdr{Iov: &pieces[0]}
	message.SetIovlen(len(b))
	n, _, failed = syscall.RawSyscall(unix.SYS_SENDMSG, d.fd,
		uintptr(unsafe.Pointer(&message)), sendFlags)
	runtime.KeepAlive(&pieces)
	return n, failed
}

// consume removes the first n bytes from b.
func consume(b *net.Buffers, n int) {
	for len(*b) > 0 && n >= len((*b)[0]) {
		n -= len((*b)[0])
		*b = (*b)[1:]
	}
	if len(*b) > 0 {
		(*b)[0] = (*b)[0][n:]
	}
}
