//go:build !unix

package http1

import "errors"

// CanPoll is whether this system shows what has come over a connection without waiting for it.
// Where it doesn't, no HTTP/1.1 connection is used twice.
const CanPoll = false

var errNothing = errors.New("nothing has come")

func readNow(uintptr, []byte) (int, error) { return 0, errNothing }

func writeNow(uintptr, []byte) (n int) { return 0 }
