package main

import "syscall"

// unsent is how many bytes may wait in a client's socket before a write waits for the client.
const unsent = 128 << 10

// tcpNotSentLowat is TCP_NOTSENT_LOWAT, for which package syscall has no name.
const tcpNotSentLowat = 0x19

// keepUnsentLow limits the unsent bytes of a listening socket, and of those that it accepts, so
// that a blocked write goes on as soon as the client has taken some bytes. By default a write goes
// on when a third of the send buffer is free, which may be megabytes: a slow client that reads all
// the time would seem to have stalled.
func keepUnsentLow(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// A kernel without this option disturbs very slow clients only, so an error is ignored.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowat, unsent)
	})
}
