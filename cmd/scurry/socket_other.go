//go:build !linux

package main

import "syscall"

// keepUnsentLow does on Linux what other systems don't need or offer.
func keepUnsentLow(_, _ string, _ syscall.RawConn) error { return nil }
