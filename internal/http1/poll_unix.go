//go:build unix

package http1

import "syscall"

// CanPoll is whether this system shows what has come over a connection without waiting for it.
// Where it doesn't, no connection is used twice.
const CanPoll = true

// errNothing means that nothing has come.
const errNothing = syscall.EAGAIN

// readNow reads what has come.
func readNow(fd uintptr, p []byte) (n int, err error) {
	for {
		if n, err = tryRead(fd, p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
