//go:build unix && !linux

package listen

import "syscall"

// receive reads into b what has come over the socket, without waiting. There may be more.
func (b *buffer) receive(fd uintptr) (n int, more bool, err error) {
	n, err = syscall.Read(int(fd), b.bytes[:])
	return n, true, err
}
