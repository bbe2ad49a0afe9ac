package origin

import (
	"cmp"
	"io/fs"
	"time"
)

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
