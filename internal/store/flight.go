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
	arrived Moment      // it took off
	began   Moment      // the origin, or the owner, was asked
	varied  int64       // how often its key had turned out to vary when it took off
	verdict error       // what the owner has found out, which settles it for this node too
	interim chan func() // interim responses (RFC 9110 section 15.2), to be handed to its asker
	key     string      // in the records group
	done    chan error
	refused <-chan struct{} // closed when it is to wait no more; nil for a client's

	// all below is guarded by the audiences' mu
	audience *audience
	left     bool    // the one who asked has gone
	answer   *Result // if it was this flight's getter that ran
}

// maxInterim is how many interim responses may wait for the one who asked; more are lost.
const maxInterim = 128

// newFlight makes one for req, which found prev wanting. Interim responses go by way of the flight to
// the goroutine that waits for it, and nobody waits until they are taken.
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

// exchange is an answer of the Source, with the context that its body is read under, and the mark
// of its version.
type exchange struct {
	*OriginResponse
	mark   invalidation.Mark
	ctx    context.Context
	cancel context.CancelFunc
}

// drop ends x, whose body isn't wanted.
func (x *exchange) drop() {
	x.cancel()
	if x.OriginResponse != nil && x.Body != nil {
		_ = x.Body.Close()
	}
}

// start has run read x's body; if it is nil, the body isn't wanted.
func (x *exchange) start(run *run) {
	if run == nil {
		x.drop()
		return
	}
	run.Start(x.ctx, x.cancel)
}

// errVariantKnown ends a flight that took off before it was known what selects a variant, and got
// to the getter after: the request for the variant at hand may already be under way in a flight of
// its own.
var errVariantKnown = errors.New("it is known by now what selects")

// errOvertaken ends the waiting for another's flight that took off before an invalidation of what
// it brings, for one who came after that.
var errOvertaken = errors.New("it has been invalidated meanwhile")
