//go:build !linux

package listen

import (
	"errors"
	"net"
)

// keepOut can't be had here: connections in the listener's queue are reset when it is closed.
func keepOut(net.Listener) error { return errors.ErrUnsupported }

func queued(net.Listener) bool { return false }
