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
