//go:build !unix

package listen

import "net"

// ended isn't possible here. That a client has gone shows when it is sent something.
func ended(*net.TCPConn) bool { return false }
