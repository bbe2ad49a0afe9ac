//go:build !linux

package listen

import "net"

// receiver is what the system needs to know of a buffer.
type receiver struct{}

// tellWhatIsLeft is for systems that can tell how many bytes are left to be read.
func tellWhatIsLeft(net.Listener) {}
