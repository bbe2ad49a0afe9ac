//go:build unix

package origin

import "syscall"

// canPeek is whether this system shows what has come over a connection without waiting for it.
const canPeek = true

// errNothing means that nothing has come.
const errNothing = syscall.EAGAIN

// readNow reads what has come.
func readNow(fd uintptr, p []byte) (n int, err error) {
	for {
		if n, err = syscall.Read(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// peek returns the first bytes that have come and haven't been read. If there are none, quiet is
// set; if the connection has ended, neither is.
func peek(raw syscall.RawConn) (b []byte, quiet bool) {
	var first [16]byte
	var n int
	var err error
	look := func(fd uintptr) {
		for again := true; again; again = err == syscall.EINTR {
			n, _, err = syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK)
		}
	}
	switch failed := raw.Control(look); {
	case failed != nil:
		return nil, false
	case err != nil:
		return nil, err == errNothing
	}
	return first[:n], false
}
