package store

import (
	"context"
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// flight is one request on its way through the records group.
type flight struct {
	req  *Request
	prev *Record

	variant string      // "" if it wasn't known what selects
	arrived Moment      // when it took off
	began   Moment      // when the origin, or the owner, was asked
	varied  int64       // how often its key had turned out to vary when it took off
	verdict error       // the owner's, which this node shares
	interim chan func() // interim responses (RFC 9110 section 15.2), for its caller
	key     string      // in the records group
	done    chan error
	refused <-chan struct{} // closed when it mustn't wait any more; nil for a client's

	// all below is guarded by the audiences' mu
	audience *audience
	left     bool    // its caller has gone
	answer   *Result // if it was this flight's getter that ran
}

// maxInterim bounds the interim responses that wait for the goroutine that called Fetch. More are
// lost.
const maxInterim = 128

// newFlight makes a flight for req, which found prev wanting. Interim responses go through a
// channel to the goroutine that waits for the flight; the sender never waits.
func newFlight(req *Request, prev *Record, variant string) *flight {
	f := &flight{req: req, prev: prev, variant: variant, done: make(chan error, 1)}
	if req.Inform == nil {
		return f
	}
	f.interim = make(chan func(), maxInterim)
	own := *req
	own.Inform = func(status int, header http.Header) {
		select {
		case f.interim <- func() { req.Inform(status, header) }:
		default:
		}
	}
	f.req = &own
	return f
}

// exchange is a response of the Source, with the context under which its body is read, and the mark
// of its version.
type exchange struct {
	*OriginResponse
	mark   invalidation.Mark
	ctx    context.Context
	cancel context.CancelFunc
}

// drop ends x if its body isn't wanted.
func (x *exchange) drop() {
	x.cancel()
	if x.OriginResponse != nil && x.Body != nil {
		_ = x.Body.Close()
	}
}

// start has run read x's body, or drops x if run is nil.
func (x *exchange) start(run *run) {
	if run == nil {
		x.drop()
		return
	}
	run.Start(x.ctx, x.cancel)
}

// errVariantKnown ends a flight that took off before it was known what selects a variant. The
// variant's own flight may be under way already.
var errVariantKnown = errors.New("it is known by now what selects")

// errOvertaken ends the waiting for a flight whose result has been invalidated since it began, for
// a request that arrived after the invalidation.
var errOvertaken = errors.New("it has been invalidated meanwhile")
