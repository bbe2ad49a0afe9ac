package store

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/trace"
)

// Result is what Fetch found. It must be closed.
type Result struct {
	Record    *Record
	Collapsed bool   // another client's request was answered
	Found     bool   // the owner had it stored and didn't ask the origin
	Why       Why    // the owner asked the origin
	Peer      string // the owner that it came from, if that isn't this node
	Chunk     []byte // the first of the content, if the owner sent it with the record
	// of the request that it was fetched for, if that is another one; nil if it isn't traced
	Shared  *trace.Span
	Renewed bool  // the origin said that the stored response is still good
	Warmed  int64 // up to where the owner has had the content held, since the request was to Warm
	// of the origin's response to this very request; 0 if it was fetched for another
	Status int
	Body   fill.Body // of a response that isn't stored, for this caller only

	// Trailer returns the trailer fields that have come after Body, once that has been read to its
	// end.
	Trailer func() http.Header

	cancel   func()         // ends the request that Body comes from
	follower *fill.Follower // at the body's first byte
	run      *run           // that it follows
}

// Close releases what the result holds. A Reader made from it has taken its share.
func (res *Result) Close() {
	if res.Body != nil {
		_ = res.Body.Close()
		res.cancel()
	}
	if res.follower != nil {
		res.follower.Close()
		res.follower = nil
	}
}

// Cancel ends the request that Body comes from, so that a Read of it returns. It may be called
// while Body is in use.
func (res *Result) Cancel() {
	if res.cancel != nil {
		res.cancel()
	}
}

// Quiet reports whether nothing of Body has come yet.
func (res *Result) Quiet() bool {
	b, ok := res.Body.(interface{ Quiet() bool })
	return ok && b.Quiet()
}

func (res *Result) trailer() http.Header {
	if res.Trailer == nil {
		return nil
	}
	return res.Trailer()
}
