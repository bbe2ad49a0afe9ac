//go:build !linux

package listen

import "net"

// direct is a socket that is sent to by way of package net.
type direct struct {
	fd   uintptr
	held bool
}

func (*direct) send(*net.Buffers) (sent int64) { return 0 }

func sendNow(*net.TCPConn, *net.Buffers) (sent int64) { return 0 }
