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

// peek looks at what has come without reading it.
type peek struct {
	first [16]byte
	n     int
	err   error
	try   func(fd uintptr) // now
}

// into returns the first bytes that have come and haven't been read. If there are none, quiet is
// set; if the connection has ended, neither is.
func (p *peek) into(raw syscall.RawConn) (b []byte, quiet bool) {
	switch failed := raw.Control(p.try); {
	case failed != nil:
		return nil, false
	case p.err != nil:
		return nil, p.err == errNothing
	}
	return p.first[:p.n], false
}

func (p *peek) now(fd uintptr) {
	for {
		p.n, _, p.err = syscall.Recvfrom(int(fd), p.first[:], syscall.MSG_PEEK)
		if p.err != syscall.EINTR {
			return
		}
	}
}
