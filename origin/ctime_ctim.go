//go:build linux || openbsd || dragonfly || solaris

package origin

import "syscall"

func ctimeOf(st *syscall.Stat_t) int64 { return st.Ctim.Nano() }
