package serve

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
)

// response is the answer to one client's request for a resource on its way. It belongs to the
// request's goroutine.
type response struct {
	s  *Server
	w  http.ResponseWriter
	r  *http.Request
	q  decide.Request
	id string // of the request, in the log
	// of the request; nil if it isn't traced
	span *trace.Span
	// whether the origin has been asked for it, also after it has ended; nil until it may be
	asked *atomic.Bool
	key   string // that it was looked up under
	fetch *store.Request
	warm  bool // the content is to be held, and not to be sent

	outcome decide.Outcome // as it was counted last
	entry   *logging.Entry // of the access log
}

var responses = sync.Pool{New: func() any { return new(response) }}

// errCut is wrapped by the error of a response that can't be completed: its head has been sent, or
// nobody is there to have it. The connection is aborted, so that the client can tell.
var errCut = errors.New("the response is cut")

// cut returns an error that wraps errCut. The access log gets err unless it is nil, or the
// origin's, which has been logged with the origin's request.
func (t *response) cut(err error) error {
	if _, logged := errors.AsType[*store.Failure](err); !logged && err != nil &&
		!errors.Is(err, context.Canceled) {
		t.entry.Err = err
	}
	return errCut
}

// count makes o the request's outcome.
func (t *response) count(o decide.Outcome) {
	if t.outcome != decide.OutcomeNone {
		t.s.outcomes[t.outcome].Add(-1)
	}
	t.s.outcomes[o].Add(1)
	t.outcome = o
}

// cause is the request as one that the origin may be asked for.
func (t *response) cause() store.Cause {
	if t.asked == nil {
		t.asked = new(atomic.Bool)
	}
	return store.Cause{ID: t.id, Asked: t.asked, Span: t.span}
}

// Noted reports whether the origin has been asked for this request.
func (t *response) Noted() bool { return t.asked != nil && t.asked.Load() }

// Traced is store.Client's.
func (t *response) Traced() *trace.Span { return t.span }

// Fields are what a request to the origin has of the client's that is made for it.
func (t *response) Fields() store.Fields {
	f := store.Fields{Header: t.q.Header, Proto: t.r.Proto, Cause: t.cause()}
	if t.q.Authorized {
		f.From = fetch.Identified(t.r)
	}
	return f
}

// flush sends what has been written, if the server can.
func (t *response) flush() { _ = http.NewResponseController(t.w).Flush() }

// inform sends an interim response, which leaves no fields for the final one.
func (t *response) inform(status int, header http.Header) {
	h := t.w.Header()
	maps.Copy(h, header)
	t.w.WriteHeader(status)
	for name := range header {
		delete(h, name)
	}
}

// copy writes what rd reads.
func (t *response) copy(rd *store.Reader) error {
	for {
		b, err := rd.Next(t.r.Context(), t.flush)
		from := rd.Source()
		if from != "memory" {
			t.entry.Source = from
			t.entry.Peer = cmp.Or(t.entry.Peer, rd.Peer())
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			t.flush() // else the client might not even get the head
			return t.cut(err)
		}
		if _, err := t.w.Write(b); err != nil {
			// the client has gone or is stuck, which the log line says by its bytes
			return t.cut(nil)
		}
		if from == "memory" { // else what comes would get too far ahead, and might be evicted
			runtime.Gosched() // a client who takes all at once would have the others wait for long
		}
	}
}

// putTrailer sends trailer fields after a content whose length wasn't told (RFC 9110 section 6.5).
func (t *response) putTrailer(trailer http.Header) {
	if len(trailer) == 0 {
		return
	}
	t.flush() // else net/http would find out the length, and a content with a length has no trailer
	for name, values := range trailer {
		t.w.Header()[http.TrailerPrefix+name] = values
	}
}
