package main

import "syscall"

// unsent is how many bytes may wait in a client's socket before a write waits for the client.
const unsent = 128 << 10

// tcpNotSentLowat is TCP_NOTSENT_LOWAT, for which package syscall has no name.
const tcpNotSentLowat = 0x19

// keepUnsentLow sets up a listening socket, and so those that it accepts, such that a blocked write
// goes on as soon as the client has taken some of what waits. By default it goes on when a third of
// the send buffer is free, which may be megabytes: a slow client that reads all the time would then
// look as if it stood still.
func keepUnsentLow(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// Without it, only very slow clients notice, so a kernel that lacks it is no reason to
		// fail.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowat, unsent)
	})
}
