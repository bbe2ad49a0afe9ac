//go:build !unix

package origin

import (
	"errors"
	"os"
	"syscall"
)

const openFlags = os.O_RDONLY

// isMissing reports whether err means that no file of that name can be there to be read.
func isMissing(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) ||
		errors.Is(err, syscall.EINVAL)
}
