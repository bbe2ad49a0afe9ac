package listen_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/fastlane"
)

// piecesLane answers the i-th request with the i-th of its answers.
type piecesLane struct {
	answers []net.Buffers
	sent    chan int64
}

func (l *piecesLane) Serve(c fastlane.Conn, p []byte) (n int, next *http.Request, err error) {
	for bytes.HasPrefix(p[n:], []byte(get)) && err == nil {
		n += len(get)
		answer := l.answers[len(l.sent)]
		var sent int64
		sent, err = c.Send(&answer)
		l.sent <- sent
		if left := bytes.Join(answer, nil); err == nil && len(left) > 0 {
			return n, nil, fmt.Errorf("%d bytes are left", len(left))
		}
	}
	return n, nil, err
}

// TestLaneSendsPieces: a client gets what the lane sends, in however many pieces of whatever sizes,
// and also if it takes them more slowly than they come.
func TestLaneSendsPieces(t *testing.T) {
	lane := &piecesLane{sent: make(chan int64, 100)}
	var want []byte
	var sizes []int64
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 1 << 10, 64 << 10, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1 << 20} {
		for _, pieces := range []int{1, 2, 7, 8, 9, 20} {
			whole := make([]byte, size)
			for i := range whole {
				whole[i] = byte(random.Uint32())
			}
			want, sizes = append(want, whole...), append(sizes, int64(size))
			var answer net.Buffers
			for i := range pieces - 1 {
				n := len(whole) / (pieces - i) // none of an empty one
				answer, whole = append(answer, whole[:n]), whole[n:]
			}
			lane.answers = append(lane.answers, append(answer, whole))
		}
	}
	s := openWith(t, 0, &http.Server{Handler: http.HandlerFunc(echo)}, lane)
	s.serve()
	c := s.dial(t)
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	c.send(t, strings.Repeat(get, len(lane.answers)))
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.r, got); err != nil {
		t.Fatalf("%d bytes of %d, %v", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		t.Error("other bytes have come than were sent")
	}
	for i, size := range sizes {
		if sent := <-lane.sent; sent != size {
			t.Errorf("answer %d of %d bytes: %d are said to have been sent", i, size, sent)
		}
	}
}
