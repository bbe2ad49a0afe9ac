package logging

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
)

// File is a log in a file. Each Write is appended to the file that had the name at the last Reopen,
// so that a log can be rotated: its file is renamed, and then Reopen is called. Write and Reopen
// may be called at the same time; the other methods may be, too.
type File struct {
	path    string
	current atomic.Pointer[os.File]
}

// fileMode lets the group of the file's owner read a log, which has the addresses of clients.
const fileMode = 0o640

// OpenFile opens the file at path for appending, and makes it if it isn't there. A named pipe must
// have a reader. The caller closes the File.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	return f, f.Reopen()
}

// Reopen opens the file at the path again, and closes the one that was open. On an error, that one
// stays in use. A line that is being written goes to either of them, as a whole.
func (f *File) Reopen() error {
	// To open a named pipe without a reader, or to write to one that is full, must not wait in the
	// system, where nothing could end it.
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE | syscall.O_NONBLOCK
	next, err := os.OpenFile(f.path, flags, fileMode)
	if err != nil {
		return err
	}
	if last := f.current.Swap(next); last != nil {
		_ = last.Close() // what could be written is
	}
	return nil
}

// Write appends p to the file. A write to a full pipe waits for its reader, or for a Reopen.
func (f *File) Write(p []byte) (n int, err error) {
	for {
		current := f.current.Load()
		m, err := current.Write(p[n:])
		n += m
		if !errors.Is(err, fs.ErrClosed) || f.current.Load() == current {
			return n, err
		}
	}
}

// Stat describes the file that is open.
func (f *File) Stat() (fs.FileInfo, error) { return f.current.Load().Stat() }

// Close closes the file. A Write that waits ends with an error.
func (f *File) Close() error { return f.current.Load().Close() }
