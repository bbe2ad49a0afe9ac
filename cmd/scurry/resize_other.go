//go:build !unix

package main

import "os"

// notifyResized does nothing: here no signal tells that the size of the terminal has changed. It is
// looked at each second.
func notifyResized(chan<- os.Signal) {}
