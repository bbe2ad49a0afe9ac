package listen

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/fastlane"
)

// lateConn is a connection of a server whose deadlines have come before anything looks, as they do
// when the process has stood still, and the client's side of it.
func lateConn(t *testing.T, lane Lane) (c *conn, client *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	h := &http.Server{ReadHeaderTimeout: time.Nanosecond, WriteTimeout: time.Minute}
	c = &conn{TCPConn: accepted.(*net.TCPConn), server: &shared{http: h, lane: lane}}
	return c, dialed.(*net.TCPConn)
}

// comes has the client send text, and waits until it is there.
func comes(t *testing.T, c *conn, client io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(client, text); err != nil {
		t.Fatal(err)
	}
	for !readable(c.TCPConn) {
		runtime.Gosched()
	}
}

// TestDeadlinesOfAStandstill: a deadline that has come ends nothing for which the client has done
// its part: its bytes are there, or there is room for what is written.
func TestDeadlinesOfAStandstill(t *testing.T) {
	const request = "GET /a HTTP/1.1\r\nHost: n\r\n\r\n"
	past := func() time.Time { return time.Now().Add(-time.Nanosecond) }
	t.Run("read", func(t *testing.T) {
		c, client := lateConn(t, nil)
		for _, text := range []string{request[:9], request[9:]} {
			comes(t, c, client, text)
			if err := c.SetReadDeadline(past()); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 100)
			if n, err := c.Read(b); string(b[:n]) != text || err != nil {
				t.Errorf("%q, %v", b[:n], err)
			}
		}
	})
	t.Run("lane", func(t *testing.T) {
		c, client := lateConn(t, answering{})
		comes(t, c, client, request)
		client.CloseWrite()
		if err := c.servePlain(); err != io.EOF {
			t.Errorf("it goes to net/http: %v", err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(client); string(b) != "answer" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
	t.Run("write", func(t *testing.T) {
		c, client := lateConn(t, nil)
		if err := c.SetWriteDeadline(past()); err != nil {
			t.Fatal(err)
		}
		if n, err := io.WriteString(c, "answer"); n != 6 || err != nil {
			t.Error(n, err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(client); string(b) != "answer" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// answering is a lane that answers all that comes, late.
type answering struct{}

func (answering) Serve(c fastlane.Conn, p []byte) (int, *http.Request, error) {
	conn := c.(*conn)
	conn.renewed = time.Since(epoch)
	conn.server.renewal = time.Hour
	if err := conn.SetWriteDeadline(time.Now().Add(-time.Nanosecond)); err != nil {
		return 0, nil, err
	}
	_, err := c.Send(&net.Buffers{[]byte("answer")})
	return len(p), nil, err
}

// TestDeadlinesEndWhatWaits: a deadline ends what waits for a client, and so does one with which
// net/http interrupts a Read, whether bytes have come or not.
func TestDeadlinesEndWhatWaits(t *testing.T) {
	c, client := lateConn(t, nil)
	if err := c.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("nothing has come:", n, err)
	}
	comes(t, c, client, "G")
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("interrupted:", n, err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	c.server.http.WriteTimeout = 10 * time.Millisecond
	if err := c.SetWriteDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 64<<20)
	if n, err := c.Write(large); n == len(large) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("nothing is taken:", n, err)
	}
}
