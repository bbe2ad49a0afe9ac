//go:build !linux

package main

import "syscall"

// keepUnsentLow does nothing: other systems don't need or offer what it does on Linux.
func keepUnsentLow(_, _ string, _ syscall.RawConn) error { return nil }
