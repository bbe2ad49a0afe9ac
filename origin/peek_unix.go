//go:build unix

package origin

import "syscall"

// canPeek is whether this system tells what has come over a connection without waiting for it.
const canPeek = true

// errNothing is that nothing has come.
const errNothing = syscall.EAGAIN

// readNow reads what has come.
func readNow(fd uintptr, p []byte) (n int, err error) {
	for {
		if n, err = syscall.Read(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// peekNow returns the first of what has come and hasn't been read; nothing has if quiet. It returns neither if the
// connection has ended.
func peekNow(raw syscall.RawConn) (b []byte, quiet bool) {
	var first [16]byte
	var n int
	var err error
	failed := raw.Control(func(fd uintptr) {
		for {
			if n, _, err = syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK); err != syscall.EINTR {
				return
			}
		}
	})
	if failed != nil || err != nil || n <= 0 {
		return nil, failed == nil && err == syscall.EAGAIN
	}
	return first[:n], false
}
