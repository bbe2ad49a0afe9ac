package http1

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

// What is remembered of a connection: it isn't used again after so many URLs, besides its first
// request's, or so many bytes of them.
const (
	MaxHistory      = 500
	MaxHistoryBytes = 32 << 10
)

var errTooLarge = errors.New("the response's head is larger than MaxHeaderBytes allows")

// maxIdleBytes limits what is read of an idle connection at a time.
const maxIdleBytes = 4 << 10

// Standstill is how late a timeout comes, at the least, if this process, or the machine, has stood
// still. The server may have done its part in time then: the timeout says nothing about it.
const Standstill = time.Second

// IsTimeout reports whether err is a timeout.
func IsTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// conn is a connection to the server. One goroutine at a time owns it: that of a request, or the
// one that holds mu while the connection is idle.
type conn struct {
	net.Conn
	socket *Socket // below Conn; nil if that doesn't show what has come
	r      *bufio.Reader
	head   bytes.Buffer // of a request

	idleTimeout time.Duration       // the Client's
	unsolicited func(urls []string) // the Client's

	requests int           // that it has carried, the one in progress included
	answered bool          // a response, or an interim one, has begun to come
	eof      bool          // the server sends nothing more
	quota    int64         // bytes that Reads may still bring
	allowed  time.Duration // how long Reads and Writes may take; 0: no limit
	due      time.Time     // when that is over
	aborted  atomic.Bool   // by the context of the request: Reads and Writes fail

	// The URLs of the requests after the first, and their bytes. The first response can't be
	// another's.
	urls     []string
	urlBytes int

	mu    sync.Mutex // guards what follows
	idle  bool
	since time.Time // when it became idle
}

func newConn(raw net.Conn, idleTimeout time.Duration, unsolicited func([]string)) *conn {
	cn := &conn{Conn: raw, idleTimeout: idleTimeout, unsolicited: unsolicited,
		quota: math.MaxInt64}
	under := raw
	if secure, ok := raw.(*tls.Conn); ok {
		under = secure.NetConn()
	}
	cn.socket, _ = under.(*Socket)
	cn.r = bufio.NewReader(cn)
	return cn
}

// reusable reports whether cn may carry another request, as far as its past says.
func (cn *conn) reusable() bool {
	return (cn.socket != nil || cn.requests == 0) &&
		len(cn.urls) < MaxHistory && cn.urlBytes < MaxHistoryBytes
}

// remember notes the URL of req, for Client.Unsolicited.
func (cn *conn) remember(req *http.Request) {
	u := *req.URL
	u.User, u.Opaque = nil, ""
	url := u.String()
	cn.urls = append(cn.urls, url)
	cn.urlBytes += len(url)
}

func (cn *conn) setIdle() {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.idle, cn.since = true, time.Now()
}

// claim takes cn for a request if it is quiet. If it has ended, it is to be closed. Otherwise it is
// left as it is: half a TLS record has come, or another request has claimed cn.
func (cn *conn) claim() state {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if !cn.idle {
		return half
	}
	now := cn.poll() // also if it has expired: what has come is to be told
	if cn.expiredLocked() {
		now = ended
	}
	cn.idle = now == half
	return now
}

// endIfDue reports whether cn, if it is idle, is to be closed, and that it is idle no more then.
func (cn *conn) endIfDue() bool {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if !cn.idle || cn.poll() != ended && !cn.expiredLocked() {
		return false
	}
	cn.idle = false
	return true
}

// end reports whether cn was idle, which it isn't any more.
func (cn *conn) end() bool {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if !cn.idle {
		return false
	}
	_ = cn.poll() // what has come is to be told
	cn.idle = false
	return true
}

func (cn *conn) expiredLocked() bool {
	return cn.idleTimeout > 0 && time.Since(cn.since) >= cn.idleTimeout
}

// state is what has come over a connection since its last response.
type state int

const (
	quiet state = iota // nothing but line ends
	half               // a part of a TLS record
	ended              // its end, or something that ends it
)

// poll reads what has come over cn, which has no request, without a wait. It reports what no
// request asked for. A connection that was never used brings nothing that can be another request's.
func (cn *conn) poll() state {
	if cn.socket == nil {
		if cn.requests == 0 {
			return quiet
		}
		return ended
	}
	if cn.socket.secure { // TLS may answer what has come
		_ = cn.SetWriteDeadline(time.Now().Add(Standstill))
	}
	cn.quota = maxIdleBytes
	cn.socket.now = true
	err := cn.skipLineEnds()
	cn.socket.now = false
	switch {
	case err == nil:
		if b, _ := cn.r.Peek(cn.r.Buffered()); !timedOut(b) {
			cn.suspect()
		}
		return ended
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return ended
	case cn.socket.records.within():
		return half
	}
	return quiet
}

// timedOut reports whether b begins a 408, which some servers send when they close an idle
// connection (RFC 9110 section 15.5.9).
func timedOut(b []byte) bool {
	return bytes.HasPrefix(b, []byte("HTTP/1.1 408")) || bytes.HasPrefix(b, []byte("HTTP/1.0 408"))
}

// suspect reports that responses over cn may have been mixed up.
func (cn *conn) suspect() {
	cn.unsolicited(cn.urls)
	cn.urls = nil
}

// skipLineEnds reads the line ends before a response. Some servers send one too many after a
// content, and it may come when the next request has been sent.
func (cn *conn) skipLineEnds() error {
	for {
		b, err := cn.r.Peek(1)
		if err != nil || b[0] != '\r' && b[0] != '\n' {
			return err
		}
		_, _ = cn.r.Discard(1)
	}
}

// Read is net.Conn's, within the quota. A Read that times out late, since the process stood still,
// waits once more.
func (cn *conn) Read(p []byte) (int, error) {
	if cn.quota <= 0 {
		return 0, errTooLarge
	}
	p = p[:min(int64(len(p)), cn.quota)]
	for {
		n, err := cn.Conn.Read(p)
		cn.quota -= int64(n)
		cn.eof = n == 0 && err == io.EOF
		late := cn.allowed > 0 && time.Since(cn.due) > Standstill && !cn.aborted.Load()
		if n > 0 || !late || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		cn.limit(cn.allowed)
	}
}

// waitBy has t's caller wait for the Reads that follow, unless t is nil.
func (cn *conn) waitBy(t *workers.Task) {
	if cn.socket != nil {
		cn.socket.task = t
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// limit bounds how long the Reads and Writes that follow take together; 0 is no bound.
func (cn *conn) limit(d time.Duration) {
	cn.allowed, cn.due = d, time.Time{}
	if d > 0 {
		cn.due = time.Now().Add(d)
	}
	_ = cn.SetDeadline(cn.due)
	if cn.aborted.Load() { // abort may have set its deadline before
		_ = cn.SetDeadline(past)
	}
}

// abort has Reads and Writes fail, those that wait, too. Any goroutine may call it.
func (cn *conn) abort() {
	cn.aborted.Store(true)
	_ = cn.SetDeadline(past)
}
