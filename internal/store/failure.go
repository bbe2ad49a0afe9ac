package store

import (
	"context"
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// Failure means that the origin gave no answer. It is a verdict: all requests that wait for it
// share it, on all nodes.
type Failure struct {
	Status int    // what clients are answered
	Kind   string // an error type of RFC 9209 section 2.3, which clients are told
	Err    error  // what happened, which they aren't

	// Why is why the origin was asked, if another node did so.
	Why Why

	// Stored is the stored response that couldn't be validated, for a requester that may not know
	// it.
	Stored *Record
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Why is the reason for which an owner, another node, has asked the origin.
type Why int

// What an owner had stored.
const (
	Nothing Why = iota
	Outdated
	Unwanted // it was fresh, but not by the request's directives
	OtherVariants
)

// ErrRefused is wrapped by an error of Source.Open if the origin gives no part of what it may give
// as a whole.
var ErrRefused = errors.New("the origin doesn't give this part")

// errNoRoom means that there was no room for another fill.
var errNoRoom = errors.New("too many bodies are being read from the origin")

// errNoAnswer means that a record from another node doesn't answer the request.
var errNoAnswer = errors.New("the owner has sent a record for another request")

// Errors that nodes answer with and that are no verdicts.
var (
	ErrNotCached = errors.New("chunk isn't held")
	ErrNotOwner  = errors.New("the peer says that it isn't the owner")
	ErrBusy      = errors.New("the peer can't answer this")
	ErrBehind    = errors.New("one of two nodes has missed an invalidation")
)

// ErrNone means that nothing is stored for a request that must be answered from storage.
var ErrNone = errors.New("nothing is stored")

// ErrYielded means that the origin wasn't asked, since others wait for it, and nobody for this.
var ErrYielded = errors.New("requests that clients wait for go first")

// IsVerdict reports whether err is a verdict: an owner has found it out for all nodes, and no other
// node is to try again.
func IsVerdict(err error) bool {
	return isFailure(err) || errors.Is(err, fill.ErrGone) || errors.Is(err, ErrNone) ||
		errors.Is(err, ErrYielded)
}

func isFailure(err error) bool {
	_, failed := errors.AsType[*Failure](err)
	return failed
}

// unreached reports whether err says that there was nobody to answer a request, so that a request
// of another form would be of no use.
func unreached(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Kind != "connection_terminated" && f.Kind != "http_protocol_error"
}

// FailureKind is what kind of failure err is, in a word for operators: that of a Failure, or which
// of the errors above it is.
func FailureKind(err error) string {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Kind
	}
	for _, known := range []struct {
		err  error
		kind string
	}{
		{ErrYielded, "yielded"}, {ErrBehind, "behind"}, {ErrNotOwner, "not_owner"},
		{ErrRefused, "refused"}, {ErrNone, "none"}, {fill.ErrGone, "gone"}, {ErrBusy, "busy"},
		{context.Canceled, "canceled"},
	} {
		if errors.Is(err, known.err) {
			return known.kind
		}
	}
	return "_OTHER"
}

// noRoom reports whether err says that there was no room to ask the origin, and nothing of what it
// would have answered.
func noRoom(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Status == http.StatusServiceUnavailable
}
