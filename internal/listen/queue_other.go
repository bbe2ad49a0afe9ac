//go:build !linux

package listen

import (
	"errors"
	"net"
)

// keepOut can't be had here: connections in the listener's queue are reset when it is closed.
func keepOut(net.Listener) error { return errors.ErrUnsupported }

// readable can't be had either. What has come at the last moment is lost.
func readable(any) bool { return false }
