package http1

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What doesn't wait is done without a word to Go's scheduler. If that hears of a call of the system
// after the process was idle, it wakes a thread that watches how long the call takes, which costs
// more than a call for a few bytes.

// tryRead is one attempt to read without a wait.
func tryRead(fd uintptr, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return result(syscall.RawSyscall6(unix.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0))
}

// mostNow is how many bytes writeNow takes at the most. The system copies them in a moment.
const mostNow = 64 << 10

// writeNow writes what of p can be written without a wait, if p is small. It leaves errors to who
// writes the rest.
func writeNow(fd uintptr, p []byte) (n int) {
	if len(p) == 0 || len(p) > mostNow {
		return 0
	}
	n, _ = result(syscall.RawSyscall6(unix.SYS_SENDTO, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0))
	return n
}

func result(n, _ uintptr, failed syscall.Errno) (int, error) {
	if failed != 0 {
		return 0, failed
	}
	return int(n), nil
}
