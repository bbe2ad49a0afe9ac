package listen

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestKeepOut: no connection begins any more, and those that have go on.
func TestKeepOut(t *testing.T) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := plain.Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Skip("no such network here:", err)
		}
		defer l.Close()
		if readable(l) {
			t.Error("a connection is in the queue of a new listener")
		}
		before, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close()
		if err := keepOut(l); err != nil {
			t.Fatal(err)
		}
		// It could only be told from a slow one by waiting for ever. If it weren't kept out, it
		// would be there at once.
		after, err := net.DialTimeout("tcp", l.Addr().String(), 50*time.Millisecond)
		if !os.IsTimeout(err) {
			t.Errorf("%v, %v", after, err)
		}
		if !readable(l) {
			t.Error("the connection has gone from the queue")
		}
		served, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer served.Close()
		if readable(l) {
			t.Error("another connection is in the queue")
		}
		go io.WriteString(before, "acorn")
		b := make([]byte, 5)
		if _, err := io.ReadFull(served, b); err != nil || string(b) != "acorn" {
			t.Errorf("%q, %v", b, err)
		}
	}
}
