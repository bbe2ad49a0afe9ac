//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyResized has c get a signal when the size of the terminal has changed.
func notifyResized(c chan<- os.Signal) { signal.Notify(c, syscall.SIGWINCH) }
