package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent is how many bytes may wait in a client's socket before a write waits for the client. With
// a quarter of that, a hit of 1 MiB takes a quarter more of the processor's time.
const unsent = 512 << 10

// keepUnsentLow limits the unsent bytes of a listening socket, and of those that it accepts, so
// that a blocked write goes on as soon as the client has taken some bytes. By default a write goes
// on when a third of the send buffer is free, which may be megabytes: a slow client that reads all
// the time would seem to have stalled.
func keepUnsentLow(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// A kernel without this option disturbs very slow clients only, so an error is ignored.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent)
	})
}
