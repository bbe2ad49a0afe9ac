//go:build linux || openbsd || dragonfly || solaris || darwin || freebsd || netbsd

package origin

import (
	"io/fs"
	"syscall"
)

func inodeOf(info fs.FileInfo) inode {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}
	}
	return inode{
		dev: uint64(st.Dev), ino: uint64(st.Ino), links: uint64(st.Nlink), ctime: ctimeOf(st),
	}
}
