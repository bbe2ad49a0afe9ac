package store

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// run is a fill that is reading, and where it reads.
type run struct {
	*fill.Run
	s     *Store
	rec   *Record
	plain bool   // its body answers a plain GET
	by    Fields // of the request that it reads for
	relay *link  // nil if it reads from the origin only
	// that came after the body, once that is at its end; nil if there can't be any
	trailer func() http.Header
	came    http.Header // what trailer returned; set before followers see the end
	// the last request for a part got no answer that settles whether parts are given
	failed bool
}

// via is the link that r reads from, or nil if that is the origin. r may be nil.
func (r *run) via() *link {
	if r == nil {
		return nil
	}
	return r.relay
}

// relays reports whether r depends on another node.
func (r *run) relays() bool { return r.relay.active() }

// sake returns the fields of a request to the origin for the bytes from off on: those of the
// request that r was begun for, with the cause of a request that waits for these bytes, up to stop.
func (r *run) sake(off int64) (by Fields, stop int64) {
	by = r.by
	who, stop := r.Waiting(off, by.Cause)
	if cause, ok := who.(Cause); ok {
		by.Cause = cause
	}
	return by, stop
}
