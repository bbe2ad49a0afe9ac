//go:build unix

package origin

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags never make an open wait for a FIFO's writer or a device.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// missing are errors that mean that no file with that name can be read: the name is too long or
// can't be represented, its path goes through a file or in circles, or it is a socket or a device
// without a driver.
var missing = []error{
	fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EILSEQ,
	syscall.EINVAL, syscall.ENXIO, syscall.ENODEV,
}
