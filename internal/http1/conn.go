package http1

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// What a connection remembers: it isn't used again after so many URLs, besides its first request's,
// or so many bytes of them.
const (
	MaxHistory      = 500
	MaxHistoryBytes = 32 << 10
)

// maxIdleBytes limits what is read of a connection that waits for a request.
const maxIdleBytes = 4 << 10

// standstill is how late a timeout comes, at the least, if this process, or the machine, has stood
// still. What the server has sent meanwhile can be read then.
const standstill = time.Second

// conn is a connection to the server. One goroutine at a time uses it; the pool hands it on.
type conn struct {
	net.Conn
	client *Client
	socket *Socket // below Conn; nil if that doesn't show what has come
	r      *bufio.Reader
	w      *bufio.Writer

	requests int         // that it has carried, the one in progress included
	answered bool        // a response, or an interim one, has begun to come
	room     int64       // bytes that Reads may still bring
	due      time.Time   // when Reads and Writes time out; zero: never
	ended    atomic.Bool // the context of the request has: Reads and Writes fail

	// The URLs of the requests after the first, and their bytes. The first response can't be
	// another's.
	urls     []string
	urlBytes int

	mu      sync.Mutex // guards what follows, and what a connection that waits holds
	waiting bool       // for a request
	since   time.Time  // when it began to wait
}

func newConn(c *Client, raw net.Conn) *conn {
	n := &conn{Conn: raw, client: c, room: math.MaxInt64}
	under := raw
	if secure, ok := raw.(*tls.Conn); ok {
		under = secure.NetConn()
	}
	n.socket, _ = under.(*Socket)
	n.r, n.w = bufio.NewReader(n), bufio.NewWriter(raw)
	return n
}

// reusable reports whether n may carry another request, as far as its past says.
func (n *conn) reusable() bool {
	return (n.socket != nil || n.requests == 0) &&
		len(n.urls) < MaxHistory && n.urlBytes < MaxHistoryBytes
}

// rest has n wait for a request.
func (n *conn) rest() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting, n.since = true, time.Now()
}

// claim ends n's wait for a request. It returns false if n can't carry one any more.
func (n *conn) claim() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	usable := n.waiting && n.quietLocked()
	n.waiting = false
	return usable
}

// waits reports whether n may go on waiting. It is true if a request has claimed n.
func (n *conn) waits() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting && !n.quietLocked() {
		n.waiting = false
		return false
	}
	return true
}

// quietLocked reports whether n, which waits, hasn't waited too long, is open, and nothing has come
// over it but line ends.
func (n *conn) quietLocked() bool {
	if idle := n.client.IdleTimeout; idle > 0 && time.Since(n.since) >= idle {
		return false
	}
	if n.socket == nil {
		return n.requests == 0
	}
	n.room = maxIdleBytes
	n.socket.now = true
	err := n.skipLineEnds()
	n.socket.now = false
	if err != nil {
		return errors.Is(err, os.ErrDeadlineExceeded) && !n.socket.records.within()
	}
	if b, _ := n.r.Peek(n.r.Buffered()); !timedOut(b) {
		n.suspect()
	}
	return false
}

// timedOut reports whether b begins a 408, which some servers send when they close an idle
// connection (RFC 9110 section 15.5.9).
func timedOut(b []byte) bool {
	return bytes.HasPrefix(b, []byte("HTTP/1.1 408")) || bytes.HasPrefix(b, []byte("HTTP/1.0 408"))
}

// suspect reports that responses over n may have been mixed up.
func (n *conn) suspect() {
	n.client.Unsolicited(n.urls)
	n.urls = nil
}

// skipLineEnds reads the line ends before a response. Some servers send one too many after a
// content, and it may come when the next request has been sent.
func (n *conn) skipLineEnds() error {
	for {
		b, err := n.r.Peek(1)
		if err != nil || b[0] != '\r' && b[0] != '\n' {
			return err
		}
		_, _ = n.r.Discard(1)
	}
}

// Read is net.Conn's, within the bounds of what n waits for.
func (n *conn) Read(p []byte) (int, error) {
	if n.room <= 0 {
		return 0, errTooLarge
	}
	p = p[:min(int64(len(p)), n.room)]
	for {
		k, err := n.Conn.Read(p)
		n.room -= int64(k)
		late := !n.due.IsZero() && time.Since(n.due) > standstill && !n.ended.Load()
		if k > 0 || !late || !errors.Is(err, os.ErrDeadlineExceeded) {
			return k, err
		}
		n.limit(n.client.HeaderTimeout)
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// limit bounds how long the Reads and Writes that follow take together; 0 is no bound.
func (n *conn) limit(d time.Duration) {
	n.due = time.Time{}
	if d > 0 {
		n.due = time.Now().Add(d)
	}
	_ = n.SetDeadline(n.due)
	if n.ended.Load() { // which end may have told before
		_ = n.SetDeadline(past)
	}
}

// end has Reads and Writes fail, those that wait, too. Any goroutine may call it.
func (n *conn) end() {
	n.ended.Store(true)
	_ = n.SetDeadline(past)
}
