package serve

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
)

// stallWriter is a ResponseWriter, and watches the request's body, for a client who must keep
// moving: what limits it isn't how long a transfer takes but how long nothing of it gets through.
// Each piece that is written puts the deadline off, and so does each that is read.
type stallWriter struct {
	http.ResponseWriter
	timeout time.Duration
	control *http.ResponseController
	put     time.Duration // from epoch, when the write deadline was put off last; 0 for never
	since   int           // bytes written since
	piece   int           // how many bytes are written under one deadline
	body    *watchedBody
	// many responses share the connection: deadlines are the response's own, and fire even between
	// writes
	streams bool
}

// smallPiece is how many bytes a slow client can take in time. A server that puts the deadline off
// by itself, whenever some bytes get through, is given all at once, which costs less.
const smallPiece = 64 << 10

// staller is the ResponseWriter of such a server.
type staller interface {
	StallTimeout() time.Duration
}

// epoch is a moment to count from. What has gone by since costs half of what the time of day does.
var epoch = time.Now()

var progresses = sync.Pool{New: func() any { return new(stallWriter) }}

// StallTimeout calls next with a writer and a request that are held to the timeout; none if it is
// negative.
func StallTimeout(timeout time.Duration, rw http.ResponseWriter, r *http.Request,
	next http.Handler) {
	w := progresses.Get().(*stallWriter)
	*w = stallWriter{ResponseWriter: rw, timeout: timeout, piece: smallPiece,
		streams: r.ProtoMajor >= 2}
	if s, ok := rw.(staller); ok && s.StallTimeout() == timeout {
		w.piece = math.MaxInt
	}
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); !ok ||
		s.WriteTimeout > 0 && s.WriteTimeout <= timeout {
		// the server has set a deadline, as the request came; or there is none that has any
		w.put = time.Since(epoch)
	}
	if timeout > 0 && w.streams {
		// a writer without deadlines has none to lift
		_ = http.NewResponseController(rw).SetWriteDeadline(time.Time{})
	}
	defer func() {
		if w.body != nil {
			w.body.end()
		}
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				w.reset(r)
			}
			panic(p)
		}
		*w = stallWriter{}
		progresses.Put(w)
	}()
	if r.Body != nil && r.Body != http.NoBody {
		r = w.watchBody(r)
	}
	next.ServeHTTP(w, r)
}

// BeforeWait is beforeWait for the server's writer.
func (w *stallWriter) BeforeWait(f func()) (will bool) { return beforeWait(w.ResponseWriter, f) }

// beforeWait has f called before a write to w waits for the client, from now on. It reports whether
// w does that.
func beforeWait(w http.ResponseWriter, f func()) (will bool) {
	waiting, ok := w.(interface{ BeforeWait(func()) bool })
	return ok && waiting.BeforeWait(f)
}

// Unwrap is for http.ResponseController.
func (w *stallWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *stallWriter) WriteHeader(status int) {
	w.extend(0)
	if b := w.body; b != nil && status >= http.StatusOK && (b.ignored || b.failed.Load() != nil) {
		// What may yet come of the body mustn't be taken for the next request.
		w.Header().Set("Connection", "close")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *stallWriter) Write(b []byte) (written int, err error) {
	for more := true; more; more = len(b) > 0 {
		n := min(len(b), w.piece)
		w.extend(n)
		n, err = w.ResponseWriter.Write(b[:n])
		w.lift()
		written += n
		if err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// Flush sends what has been written, if the server can.
func (w *stallWriter) Flush() {
	w.extend(0)
	defer w.lift()
	// a writer that can't be flushed isn't an error
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// extend puts the write deadline off, now that n bytes are about to be written. It doesn't for
// those that fit into one piece soon after the request, since the server's own deadline is still
// good for them.
func (w *stallWriter) extend(n int) {
	if w.timeout <= 0 {
		return
	}
	w.since += n
	now := time.Since(epoch)
	if !w.streams && w.since < smallPiece && w.put > 0 && now-w.put < w.timeout/8 {
		return
	}
	w.since, w.put = 0, now
	if w.control == nil {
		w.control = http.NewResponseController(w.ResponseWriter)
	}
	err := w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	if errors.Is(err, http.ErrNotSupported) {
		w.timeout = -1 // a writer without deadlines has none to put off
	}
}

// lift takes the deadline away until the next write, where it would end a response that merely
// waits for its origin.
func (w *stallWriter) lift() {
	if w.streams && w.timeout > 0 && w.control != nil {
		_ = w.control.SetWriteDeadline(time.Time{}) // it could be set before
	}
}

// watchBody holds the client to the timeout, where that can be, while it sends the request's body.
func (w *stallWriter) watchBody(r *http.Request) *http.Request {
	control, timeout := http.NewResponseController(w.ResponseWriter), w.timeout
	if timeout > 0 && control.SetReadDeadline(time.Now().Add(timeout)) != nil {
		timeout = -1
	}
	if decide.Reads(r.Method) {
		// Nobody reads the body of a GET from the cache. Its answer needn't wait for it.
		_ = control.EnableFullDuplex() // where it can't be, it waits
	}
	w.body = &watchedBody{ReadCloser: r.Body, control: control, timeout: timeout,
		ignored: decide.Reads(r.Method)}
	r = r.WithContext(r.Context())
	r.Body = w.body
	return r
}

// watchedBody is a request's body that puts the read deadline off as it is read, and knows why it
// couldn't be read.
type watchedBody struct {
	io.ReadCloser
	control *http.ResponseController
	timeout time.Duration         // negative if there is none
	ignored bool                  // nobody is going to read it
	failed  atomic.Pointer[error] // its client was too slow or has gone, or what it sent is no body

	mu    sync.Mutex
	ended bool // guarded by mu: the connection is another request's, perhaps
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch { // a deadline could be set before, so it can be now
	case err != nil && err != io.EOF:
		b.failed.Store(&err)
	case b.timeout <= 0:
	case err == nil:
		b.putOff(time.Now().Add(b.timeout))
	default: // net/http begins to watch the connection, which may be quiet for long
		b.putOff(time.Time{})
	}
	return n, err
}

func (b *watchedBody) putOff(deadline time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		_ = b.control.SetReadDeadline(deadline)
	}
}

// end is called when the request has been answered. The body may still be read then, to be sent to
// the origin.
func (b *watchedBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

var errSlowBody = errors.New("the client stopped sending its request's body")

// fault is the status for a request whose body, which may be nil, can't be read, and why; 0 if it
// can, or its client has gone, which ends ctx, the request's.
func (b *watchedBody) fault(ctx context.Context) (status int, cause error) {
	if b == nil || b.failed.Load() == nil {
		return 0, nil
	}
	err := *b.failed.Load()
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case fetch.TimedOut(err):
		return http.StatusRequestTimeout, errSlowBody
	case ctx.Err() != nil:
		return 0, nil
	case large: // for a handler around this one that has limited it
		return http.StatusRequestEntityTooLarge, err
	}
	return http.StatusBadRequest, err // its framing is wrong: RFC 9112 section 7.1
}

// reset makes sure that a client can tell an aborted response from a complete one. Closing the
// connection does, but for HTTP/1.0 without a Content-Length, where it means the end; there the
// connection has to break.
func (w *stallWriter) reset(r *http.Request) {
	if r.ProtoAtLeast(1, 1) || w.Header().Get("Content-Length") != "" {
		return
	}
	c, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return // nothing is lost: it is being aborted
	}
	defer c.Close() // it is accounted for
	if s, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = s.NetConn() // under TLS, whose own close would look like an end
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
