//go:build !unix

package origin

import (
	"io/fs"
	"os"
	"syscall"
)

const openFlags = os.O_RDONLY

// missing are errors that mean that no file of that name can be there to be read.
var missing = []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL}
