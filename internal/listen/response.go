package listen

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// response is the ResponseWriter of a request that net/http hasn't read. It sends what net/http
// would: the same fields in the same order, the content's length if that turns out to be small, and
// else the content in chunks.
type response struct {
	to       sender
	timeout  time.Duration // for a client who takes nothing
	draining *atomic.Bool  // the server's
	isHEAD   bool
	failed   func() // is called once the client can't be sent any more
	waits    func() // is called before a write waits for the client; may be nil

	header   http.Header // the handler's
	status   int         // 0 until the handler has said it
	length   int64       // the Content-Length that the handler has set, or -1
	written  int64       // bytes of content that the handler has written
	trailers []string    // fields that the handler has announced in Trailer
	trailing bool        // the content may be followed by fields
	typed    bool        // the content's type is known, or must not be guessed
	chunked  bool
	last     bool // the connection ends with the response

	// What is to be sent next: the head, until its last lines are known, and content.
	head    appender
	content []byte
	begun   bool // the head has been sent, or is complete
	err     error
	sending net.Buffers
}

const (
	// mostHeld is how many bytes of content are held back at most, since more may follow soon.
	mostHeld = 2 << 10
	// mostCopied is how many bytes of content are copied behind the head, which costs less than
	// that a second buffer is written.
	mostCopied = 4 << 10
)

var responses = sync.Pool{New: func() any { return new(response) }}

// appender is an io.Writer.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

func (a *appender) WriteString(s string) (int, error) {
	*a = append(*a, s...)
	return len(s), nil
}

// sender is the connection that a response goes to.
type sender interface {
	// send sends all of b. The client may take any time as long as something gets through. Before
	// it waits for the client it calls beforeWait, if that isn't nil.
	send(b *net.Buffers, beforeWait func()) (n int64, err error)
	SetWriteDeadline(t time.Time) error
}

// begin makes w a response with to, timeout, draining, isHEAD and failed as they are in as. It must
// be followed by free.
func (w *response) begin(as response) {
	as.length, as.header = -1, http.Header{}
	as.head, as.content, as.sending = w.head[:0], w.content[:0], w.sending[:0]
	*w = as
}

// free ends the use of w, whose buffers are used again.
func (w *response) free() {
	clear(w.sending[:cap(w.sending)])
	*w = response{head: w.head[:0], content: w.content[:0], sending: w.sending[:0]}
	responses.Put(w)
}

// Header is http.ResponseWriter's.
func (w *response) Header() http.Header { return w.header }

// StallTimeout is how long a write waits for a client who takes nothing. Once that has taken some
// of what is written, however much that is, the time begins anew.
func (w *response) StallTimeout() time.Duration { return w.timeout }

// BeforeWait has f called before a write waits for the client, from now on.
func (w *response) BeforeWait(f func()) (will bool) {
	w.waits = f
	return true
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error { return w.to.SetWriteDeadline(t) }

// The fields that the framing decides.
var (
	framing   = map[string]bool{"Content-Length": true, "Transfer-Encoding": true}
	transfer  = map[string]bool{"Transfer-Encoding": true}
	noContent = map[int]map[string]bool{
		http.StatusNoContent: framing,
		http.StatusNotModified: {
			"Content-Length": true, "Transfer-Encoding": true, "Content-Type": true},
	}
)

// WriteHeader is http.ResponseWriter's. An interim response is sent at once.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		head := w.head
		w.statusLine(status)
		w.fields(framing)
		w.head = append(w.head, "\r\n"...)
		w.send(w.head)
		w.head = head[:0]
		return
	}
	w.status = status
	if w.draining.Load() {
		w.header.Set("Connection", "close")
	}
	w.last = w.header.Get("Connection") == "close"
	n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64)
	switch {
	case err == nil && n >= 0:
		w.length = n
	case w.header["Content-Length"] != nil:
		w.header.Del("Content-Length")
	}
	_, w.typed = w.header["Content-Type"]
	w.typed = w.typed || w.header.Get("Content-Encoding") != ""
	w.statusLine(status)
	w.fields(w.left())
	if w.header["Date"] == nil {
		w.head = append(w.head, "Date: "...)
		w.head = time.Now().UTC().AppendFormat(w.head, http.TimeFormat)
		w.head = append(w.head, "\r\n"...)
	}
}

func (w *response) statusLine(status int) {
	w.head = append(w.head, "HTTP/1.1 "...)
	w.head = strconv.AppendInt(w.head, int64(status), 10)
	w.head = append(w.head, ' ')
	if text := http.StatusText(status); text != "" {
		w.head = append(w.head, text...)
	} else {
		w.head = strconv.AppendInt(append(w.head, "status code "...), int64(status), 10)
	}
	w.head = append(w.head, "\r\n"...)
}

// fields appends the handler's fields to the head, but those that are left out.
func (w *response) fields(out map[string]bool) {
	_ = w.header.WriteSubset(&w.head, out) // memory can't fail
}

// left are the fields of the handler that the head doesn't have. It notes what they say of the
// response.
func (w *response) left() map[string]bool {
	out, shared := noContent[w.status], true
	if out == nil {
		out = transfer
	}
	leave := func(name string) {
		if shared {
			own := map[string]bool{}
			for name := range out {
				own[name] = true
			}
			out, shared = own, false
		}
		out[name] = true
	}
	for name := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.trailing = true
			leave(name)
		}
	}
	for _, v := range w.header["Trailer"] {
		w.trailing = true
		for name := range strings.SplitSeq(v, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			if httpguts.ValidTrailerHeader(name) {
				w.trailers = append(w.trailers, name)
			}
		}
	}
	return out
}

// mayHaveContent reports whether a response with that status has content (RFC 9110 section 6.4.1).
func mayHaveContent(status int) bool {
	return status >= http.StatusOK && status != http.StatusNoContent &&
		status != http.StatusNotModified
}

// Write is http.ResponseWriter's.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case !mayHaveContent(w.status):
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if len(w.content)+len(p) <= mostHeld {
		w.content = append(w.content, p...)
		return len(p), w.err
	}
	if n, err := w.flush(p, false); err != nil {
		return n, err
	}
	return len(p), nil
}

// Flush is http.Flusher's.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is for http.ResponseController.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.begun || len(w.content) > 0 {
		_, _ = w.flush(nil, false) // w knows the error
	}
	return w.err
}

// finish ends the response, and reports whether another one may follow on the connection.
func (w *response) finish() (reusable bool) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.begun || len(w.content) > 0 || w.chunked {
		_, _ = w.flush(nil, true) // w knows the error
	}
	whole := w.isHEAD || w.length < 0 || !mayHaveContent(w.status) || w.written == w.length
	return w.err == nil && whole && !w.last
}

// complete appends the head's last lines, now that p is the content's beginning: all of it, if the
// handler is done.
func (w *response) complete(p []byte, done bool) {
	w.begun = true
	content := mayHaveContent(w.status)
	if done && content && w.length < 0 && !w.trailing && (!w.isHEAD || len(p) > 0) {
		w.length = int64(len(p))
		w.head = strconv.AppendInt(append(w.head, "Content-Length: "...), w.length, 10)
		w.head = append(w.head, "\r\n"...)
	}
	if content && !w.typed && len(p) > 0 {
		w.head = append(append(w.head, "Content-Type: "...), http.DetectContentType(p)...)
		w.head = append(w.head, "\r\n"...)
	}
	if content && !w.isHEAD && w.length < 0 {
		w.chunked = true
		w.head = append(w.head, "Transfer-Encoding: chunked\r\n"...)
	}
	w.head = append(w.head, "\r\n"...)
}

// flush sends what is held back, and p, and returns how much of p it has sent. If the handler is
// done, that is the end of the response.
func (w *response) flush(p []byte, done bool) (n int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	if !w.begun {
		first := p
		if len(w.content) > 0 {
			first = w.content
		}
		w.complete(first, done)
	}
	if w.isHEAD {
		p, w.content = nil, w.content[:0]
	}
	all := len(w.content) + len(p)
	if w.chunked && all > 0 {
		w.head = append(strconv.AppendInt(w.head, int64(all), 16), "\r\n"...)
	}
	w.head = append(w.head, w.content...)
	w.content = w.content[:0]
	before, size := len(w.head), len(p)
	if len(p) <= mostCopied {
		w.head, p = append(w.head, p...), nil
	}
	var end appender
	if w.chunked {
		end = w.end(all > 0, done)
	}
	if p == nil {
		w.head, end = append(w.head, end...), nil
	}
	sent := w.send(w.head, p, end)
	w.head = w.head[:0]
	return max(0, min(size, int(sent)-before)), w.err
}

// end is what follows content that is sent in chunks: the end of its last chunk, if it has some,
// and if the handler is done that of the content.
func (w *response) end(content, done bool) (b appender) {
	if content {
		b = append(b, "\r\n"...)
	}
	if done {
		b = append(b, "0\r\n"...)
		_ = w.trailer().Write(&b) // memory can't fail
		b = append(b, "\r\n"...)
	}
	return b
}

// trailer are the fields after the content, which the handler has set by now.
func (w *response) trailer() http.Header {
	var trailer http.Header
	add := func(name string, values []string) {
		if trailer == nil {
			trailer = http.Header{}
		}
		trailer[name] = append(trailer[name], values...)
	}
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			add(name, values)
		}
	}
	for _, name := range w.trailers {
		if values := w.header[name]; len(values) > 0 {
			add(name, values)
		}
	}
	return trailer
}

// send sends pieces, and returns how many bytes it has sent. After an error nothing more is sent.
func (w *response) send(pieces ...[]byte) (sent int64) {
	if w.err != nil {
		return 0
	}
	w.sending = w.sending[:0]
	for _, p := range pieces {
		if len(p) > 0 {
			w.sending = append(w.sending, p)
		}
	}
	all := w.sending
	sent, w.err = w.to.send(&w.sending, w.waits)
	clear(all)
	w.sending = all[:0]
	if w.err != nil {
		w.failed()
	}
	return sent
}
