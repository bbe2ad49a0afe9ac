//go:build unix

package origin

import (
	"errors"
	"os"
	"syscall"
)

// openFlags never make an open wait for a FIFO's writer or a device.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// isMissing reports whether err means that no file with that name can be read: the name is too long
// or can't be represented, its path goes through a file or in circles, or it is a socket or a
// device without a driver.
func isMissing(err error) bool {
	errno, _ := errors.AsType[syscall.Errno](err)
	switch errno {
	case syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EILSEQ, syscall.EINVAL,
		syscall.ENXIO, syscall.ENODEV:
		return true
	}
	return false
}
