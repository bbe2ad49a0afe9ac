package memory

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20 // on amd64, and elsewhere where small pages have 4 KiB

// advised has addresses of huge pages that the system has been told of, each at the place that
// follows from it. Go's heap grows from one address on, and never gives addresses back, so that the
// call is made once for each page of a heap of 8 GiB. In a larger one it is made again now and
// then.
var advised [4 << 10]atomic.Uintptr

// advise tells the system that the pages in which b lies should be huge (madvise(2)). It does no
// harm where pages have another size or the system has no huge ones.
func advise(b []byte) {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	for page := from &^ (hugePage - 1); page < from+uintptr(len(b)); page += hugePage {
		if place := &advised[page/hugePage%uintptr(len(advised))]; place.Load() != page {
			place.Store(page)
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, page, hugePage, unix.MADV_HUGEPAGE)
		}
	}
}
