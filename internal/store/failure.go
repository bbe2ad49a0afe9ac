package store

import (
	"errors"

	"github.com/scurrycache/scurry/internal/fill"
)

// Failure is that the origin gave no answer: a verdict that all who asked share, wherever they are.
type Failure struct {
	Status int    // what clients are answered
	Kind   string // an error type of RFC 9209 section 2.3, which clients are told
	Err    error  // what happened, which they aren't

	// Why is why the origin was asked, if another node did so.
	Why Why

	// Stored is what is stored and was found wanting, where the one who asked may not know it.
	Stored *Record
}

// alone is f without the stored response, which isn't for the one who asks.
func (f *Failure) alone() *Failure {
	c := *f
	c.Stored = nil
	return &c
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Why is why an owner has asked the origin, where that isn't this node.
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

// errNoRoom is that fills had no room for another one.
var errNoRoom = errors.New("too many bodies are being read from the origin")

// What nodes answer that isn't a verdict.
var (
	ErrNotCached = errors.New("chunk isn't held")
	ErrNotOwner  = errors.New("the peer says that it isn't the owner")
	ErrBusy      = errors.New("the peer can't answer this")
	ErrBehind    = errors.New("one of two nodes has missed an invalidation")
)

// ErrNone is that nothing is stored that a request is for which is to be answered from what is
// stored.
var ErrNone = errors.New("nothing is stored")

// IsVerdict reports whether err is what an owner has found out for all, so that no other node is to
// try again.
func IsVerdict(err error) bool {
	_, failed := errors.AsType[*Failure](err)
	return failed || errors.Is(err, fill.ErrGone) || errors.Is(err, ErrNone)
}
