//go:build unix && !linux

package http1

import "syscall"

// tryRead is one attempt to read without a wait.
func tryRead(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

// writeNow leaves all to who writes the rest.
func writeNow(uintptr, []byte) (n int) { return 0 }
