package origintest

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

var listeners atomic.Uint32

// Listen listens on loopback, where the system allows it on an address of that network that nothing
// else uses: tests that open thousands of connections would otherwise take all ports, which
// connections that have ended hold for a minute.
func Listen(tb testing.TB) net.Listener {
	tb.Helper()
	n := listeners.Add(1) + uint32(os.Getpid())<<9
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:20080", 64+n>>16&63, n>>8&255, n&255))
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		tb.Fatal(err)
	}
	return l
}
