package origin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// ErrChanged means that a file changed while its bytes were being read, or ended before the length
// that its response promised. The rest of that version can't be had any more.
var ErrChanged = errors.New("the file changed while it was being read")

// tick is the coarsest resolution of the clock that local file systems take time stamps from: a
// kernel's timer runs at 100 Hz or faster.
const tick = 20 * time.Millisecond

// file is what a body needs of an *os.File.
type file interface {
	io.ReaderAt
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
}

// fileBody reads a span of one version of a file. After each read it checks that the file hasn't
// changed since it was opened, and only then returns the bytes. Kernels stamp a file before they
// change its bytes, so bytes of another version never pass that check.
type fileBody struct {
	ctx      context.Context // the request's
	file     file
	seen     identity // of the version that the response describes
	off, end int64
	err      error // of the first Read that failed, and of all after it
}

// Read reads up to len(p) bytes with one system call.
func (b *fileBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.off == b.end {
		return 0, io.EOF
	}
	n, err := b.read(p[:min(int64(len(p)), b.end-b.off)])
	if err != nil {
		b.err = fmt.Errorf("origin: read %s at byte %d: %w", b.file.Name(), b.off, err)
		return 0, b.err
	}
	b.off += int64(n)
	return n, nil
}

func (b *fileBody) read(p []byte) (int, error) {
	if err := b.settle(); err != nil {
		return 0, err
	}
	n, err := b.file.ReadAt(p, b.off)
	if err == io.EOF {
		return 0, ErrChanged
	}
	if err != nil {
		return 0, err
	}
	return n, b.unchanged()
}

// settle waits, if the file changed just now, until the clock of its time stamps has moved on. From
// then on no write can have the stamp that was seen at open. It returns early when the request's
// context is done.
func (b *fileBody) settle() error {
	wait := tick - time.Since(b.seen.changed())
	if 0 < wait && wait <= tick {
		select {
		case <-time.After(wait):
		case <-b.ctx.Done():
		}
	}
	return b.ctx.Err()
}

// unchanged returns ErrChanged unless the file is what it was. Replacing or removing a name changes
// the file's link count, and thereby its change time, but none of its bytes.
func (b *fileBody) unchanged() error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	now := identify(info)
	if now.links != b.seen.links {
		b.seen.links, b.seen.ctime = now.links, now.ctime
	}
	if now != b.seen {
		return ErrChanged
	}
	return nil
}

// Close closes the file. A second Close does nothing.
func (b *fileBody) Close() error {
	if err := b.file.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

// identity distinguishes a version of an open file from the next. Times are in nanoseconds since
// 1970. Only Unix systems have a change time and a number of links.
type identity struct {
	size, mtime, ctime int64
	links              uint64
}

func identify(info fs.FileInfo) identity {
	links, ctime := inodeOf(info)
	return identity{info.Size(), info.ModTime().UnixNano(), ctime, links}
}

// changed returns when the file last changed, by the change time if there is one, since programs
// can't set that.
func (i identity) changed() time.Time { return time.Unix(0, cmp.Or(i.ctime, i.mtime)) }
