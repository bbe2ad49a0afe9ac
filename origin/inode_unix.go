//go:build linux || openbsd || dragonfly || solaris || darwin || freebsd || netbsd

package origin

import (
	"io/fs"
	"syscall"
)

func inodeOf(info fs.FileInfo) (links uint64, ctime int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(st.Nlink), ctimeOf(st)
}
