package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// folders is the directory at a path. Another directory may take its place, or the path may be a
// symbolic link that is switched. Requests that have begun continue in the directory that they
// began in.
type folders struct {
	path string

	mu      sync.Mutex // guards what follows
	current *folder
	closed  bool
}

// folder is a directory that stays open while requests use it, so that no other directory can get
// its identity.
type folder struct {
	*os.Root
	in    *folders
	info  fs.FileInfo
	users int // guarded by in.mu, with one for being the current one
}

// openFolders opens the directory at path.
func openFolders(path string) (*folders, error) {
	f := &folders{path: absolute(path)}
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	f.current, err = f.open(info)
	return f, err
}

// absolute makes path independent of the current directory, if this process may reach it by its
// absolute path.
func absolute(path string) string {
	abs, absErr := filepath.Abs(path)
	info, err := os.Stat(path)
	same, sameErr := os.Stat(abs)
	if errors.Join(absErr, err, sameErr) != nil || !os.SameFile(info, same) {
		return path
	}
	return abs
}

// open opens the directory at the path; info is the last Stat of it. Anything else isn't opened: to
// open a FIFO would wait.
func (f *folders) open(info fs.FileInfo) (*folder, error) {
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", f.path)
	}
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return nil, err
	}
	if info, err = root.Stat("."); err != nil {
		_ = root.Close()
		return nil, err
	}
	return &folder{Root: root, in: f, info: info, users: 1}, nil
}

// use returns the directory that is at the path now. The caller releases it. If this process may no
// longer look, because it has dropped its rights, use returns the last directory.
func (f *folders) use() (*folder, error) {
	info, err := os.Stat(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, os.ErrClosed
	case errors.Is(err, fs.ErrPermission):
	case err != nil:
		return nil, err
	case !os.SameFile(info, f.current.info):
		next, err := f.open(info)
		if err != nil {
			return nil, err
		}
		f.current.releaseLocked()
		f.current = next
	}
	f.current.users++
	return f.current, nil
}

// close closes f when all requests have released it.
func (f *folders) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.current.releaseLocked()
}

func (f *folder) release() {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	_ = f.releaseLocked()
}

func (f *folder) releaseLocked() error {
	if f.users--; f.users > 0 {
		return nil
	}
	return f.Root.Close()
}
