package logging

import (
	"bufio"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/trace"
)

// Entry is what a handler adds to the line about its request in the access log. Zero values are
// left out.
type Entry struct {
	Client  string // the client's address, if a proxy has told it, to which Remote belongs then
	Cache   string // what the cache did: hit, miss, stale, revalidated, collapsed, pass
	Source  string // where the bytes came from: memory, peer, origin
	Owner   string // the node that owns the resource, if there are several
	Peer    string // the node from which the record or the bytes came, if not this one
	Version string
	Age     time.Duration
	HasAge  bool
	Note    string // an explanation of the response for operators
	Err     error  // why the response is an error or was cut, if that isn't in the log yet
}

// Writer is the http.ResponseWriter that Access gives to the handler of one request. It notes what
// the log tells of the response. The handler must not use it after it returns.
type Writer struct {
	http.ResponseWriter
	Entry

	id     string
	span   *trace.Span
	status int
	bytes  int64
	start  time.Duration // from epoch
	first  time.Duration // from start to the response's head
}

// epoch is a moment to count from: what has gone by since costs half of what the time of day does.
var epoch = time.Now()

// since is how long ago the request came.
func (w *Writer) since() time.Duration { return time.Since(epoch) - w.start }

// ID returns the request's id in the log, or "" if nothing is logged.
func (w *Writer) ID() string { return w.id }

// Span returns the request's, or nil if it isn't traced.
func (w *Writer) Span() *trace.Span { return w.span }

// BeforeWait has f called before a write waits for the client, from now on, and reports whether the
// writer below does that.
func (w *Writer) BeforeWait(f func()) (will bool) {
	below, ok := w.ResponseWriter.(interface{ BeforeWait(func()) bool })
	return ok && below.BeforeWait(f)
}

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the final status; those of interim responses (1xx except 101) don't count.
func (w *Writer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// begin notes status and time of the response's head, once.
func (w *Writer) begin(status int) {
	if w.status == 0 {
		w.status, w.first = status, w.since()
	}
}

// Write counts the bytes of the content.
func (w *Writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Hijack implements http.Hijacker. A handler that takes over the connection has switched protocols.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begin(http.StatusSwitchingProtocols)
	}
	return c, rw, err
}

// Flush sends what has been written, if the server can.
func (w *Writer) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

var writers = sync.Pool{New: func() any { return new(Writer) }}

// requests counts the requests of this process. A request's id is made of its number and the start
// of the process.
var (
	requests atomic.Uint64
	process  = strconv.FormatInt(time.Now().UnixMilli(), 36)
)

// Access calls next with a *Writer, and counts, logs and traces each request. A panic in next is
// logged and ends as a 500, or as an aborted connection if the response has begun;
// http.ErrAbortHandler is passed on.
func Access(log *AccessLog, next http.Handler) http.Handler {
	logger := log.Logger
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := writers.Get().(*Writer)
		*w = Writer{ResponseWriter: rw, start: time.Since(epoch)}
		if logger.GetLevel() < zerolog.Disabled {
			w.id = process + "-" + strconv.FormatUint(requests.Add(1), 36)
		}
		if log.Tracer != nil {
			w.span = log.Tracer.Begin(r.Context(), &trace.Request{
				Method: r.Method, URI: r.RequestURI, TLS: r.TLS != nil, Header: r.Header,
			})
		}
		defer func() {
			p := recover()
			if p != nil {
				p = w.recovered(logger, p)
			}
			w.log(log, r, p != nil)
			*w = Writer{}
			writers.Put(w)
			if p != nil {
				panic(p)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// recovered handles the value of a panic. It returns the value to panic with again, or nil.
func (w *Writer) recovered(logger *zerolog.Logger, p any) any {
	if p == http.ErrAbortHandler {
		return p
	}
	logger.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Func(w.span.Log).
		Msg("handler panicked")
	if w.status != 0 {
		return http.ErrAbortHandler
	}
	clear(w.Header())
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	return nil
}

func (w *Writer) log(log *AccessLog, r *http.Request, aborted bool) {
	line := Line{
		Entry: w.Entry, ID: w.id, Remote: r.RemoteAddr, Method: r.Method, Host: r.Host,
		URI: r.RequestURI, Proto: r.Proto, UserAgent: r.UserAgent(), Status: w.status,
		Bytes: w.bytes, Took: w.since(), First: w.first, Aborted: aborted, Span: w.span,
	}
	if line.Status == 0 && !aborted {
		line.Status = http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	if r.Method == http.MethodHead {
		line.Bytes = 0 // net/http drops the content
	}
	if !strings.HasPrefix(line.URI, "/") {
		line.URI = r.URL.Redacted()
	}
	line.log(log)
}
