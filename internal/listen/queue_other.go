//go:build !linux

package listen

import (
	"errors"
	"net"
)

// keepOut isn't possible here: the system resets the connections in a listener's queue when that is
// closed.
func keepOut(net.Listener) error { return errors.ErrUnsupported }

// readable isn't possible either. Bytes that come at the last moment are lost.
func readable(any) bool { return false }

// writable isn't possible either. A response that is due when the process has stood still is lost.
func writable(any) bool { return false }
