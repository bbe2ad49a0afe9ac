package origin

import (
	"io/fs"
	"time"
)

// identity distinguishes a version of a file from the next. Times are in nanoseconds since 1970.
type identity struct {
	size  int64
	mtime int64
	inode
}

// inode is what a Unix system records of a file beyond its size and modification time. Elsewhere it
// is zero.
type inode struct {
	dev, ino, links uint64
	ctime           int64
}

func identify(info fs.FileInfo) identity {
	return identity{size: info.Size(), mtime: info.ModTime().UnixNano(), inode: inodeOf(info)}
}

// changed returns when the file last changed, by the change time if there is one, since programs
// can't set that.
func (i identity) changed() time.Time {
	if i.ctime != 0 {
		return time.Unix(0, i.ctime)
	}
	return time.Unix(0, i.mtime)
}
