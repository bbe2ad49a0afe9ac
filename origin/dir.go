package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// Dir answers GET and HEAD from a directory. Only regular files and directories below it are ever
// read: symbolic links are followed as long as they are relative and stay inside, and a FIFO,
// device or socket isn't found. Directories on the way to a file have to be readable, not only
// searchable, or it is forbidden.
//
// Each file has a strong ETag made of its size and modification time, so that machines with the
// same files give the same one; a file modified within the last two seconds has a weak one of its
// own, since it may change again unseen. Conditions and single ranges are answered as RFC 9110
// sections 13 and 14 say.
//
// A body comes from one version of its file. If the file is written to, truncated or touched
// meanwhile, the body's Read fails with ErrChanged, before any byte of the new version is handed
// on; if it is replaced or removed, the body goes on with the old bytes to their end. This rests on
// the file system's time stamps: it can't see what a program writes through a memory mapping, or
// within the same tick of a file system whose clock is coarser than 20 ms.
//
// Each request looks at what is at the directory's path then: if another directory has taken its
// place, or the path is a symbolic link that has been switched, the request is answered from there,
// while those that have begun, and bodies, go on with the old one. Where there is no directory at
// the path, RoundTrip fails, since it isn't known what there should be.
//
// OpenDir makes a Dir. The exported fields may be changed before the first request. A Dir is safe
// for concurrent use.
type Dir struct {
	// Browse answers a directory that has no index.html with a page that lists it, instead of 404.
	Browse bool

	// Dotfiles answers paths with a segment that begins with a dot, and lists such names. Otherwise
	// they aren't found.
	Dotfiles bool

	path    string   // ends in a separator, so that nothing but a directory is opened
	first   *os.Root // the directory that was at path when d was made
	closed  atomic.Bool
	escapes error // an os.Root's for a path that leads out of it
	now     func() time.Time
}

// OpenDir returns a Dir over the directory at path. The caller closes it.
func OpenDir(path string) (*Dir, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, fmt.Errorf("origin: open directory: %w", err)
	}
	d := &Dir{path: path + string(filepath.Separator), now: time.Now}
	if d.first, err = os.OpenRoot(d.path); err != nil {
		return nil, fmt.Errorf("origin: open directory: %w", err)
	}
	// The error for an escaping path has no exported name; an example of it does as well.
	_, err = d.first.Lstat("..")
	d.escapes = errors.Unwrap(err)
	return d, nil
}

// absolute makes path independent of the current directory, if this process may reach it by its
// absolute path.
func absolute(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	abs, absErr := filepath.Abs(path)
	same, sameErr := os.Stat(abs)
	if absErr != nil || sameErr != nil || !os.SameFile(info, same) {
		return path, nil
	}
	return abs, nil
}

// Close releases the directory. Requests fail from then on; bodies that are being read go on to
// their end.
func (d *Dir) Close() error {
	d.closed.Store(true)
	return d.first.Close()
}

// BaseURL returns file:///, under which every request's path is taken. Requests may carry another
// scheme and host; they aren't looked at.
func (d *Dir) BaseURL() *url.URL { return &url.URL{Scheme: "file", Path: "/"} }

// root opens the directory that is at the path now. If this process may no longer do that, because
// it has dropped its rights, root returns the first directory.
func (d *Dir) root() (*os.Root, error) {
	if d.closed.Load() {
		return nil, os.ErrClosed
	}
	in, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrPermission) {
		return d.first, nil
	}
	return in, err
}

// status returns the status that stands for err, or 0 if err is nil or a failure that has none.
func (d *Dir) status(err error) int {
	isErr := func(target error) bool { return errors.Is(err, target) }
	switch {
	case isErr(d.escapes), slices.ContainsFunc(missing, isErr):
		return http.StatusNotFound
	case isErr(fs.ErrPermission):
		return http.StatusForbidden
	}
	return 0
}
