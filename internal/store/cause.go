package store

import "sync/atomic"

// Each request to the origin is made for one request of a client: the log's line about it tells
// which, and that one alone is said to have asked the origin. Where another node asks the origin
// for a client's request, its answer tells.

// Cause is the request that the origin is asked for.
type Cause struct {
	ID    string       // in the log
	Asked *atomic.Bool // set when the origin is being asked for it; nil if nobody wants to know
}

// Note notes that the origin is being asked for c.
func (c Cause) Note() {
	if c.Asked != nil {
		c.Asked.Store(true)
	}
}

// Noted reports whether the origin has been asked for c.
func (c Cause) Noted() bool { return c.Asked != nil && c.Asked.Load() }

// sake is what the origin is asked with for the bytes from off on: the fields of the request that r
// was begun for, for the sake of one that waits for these bytes, up to stop.
func (r *run) sake(off int64) (by Fields, stop int64) {
	by = r.by
	who, stop := r.Waiting(off, by.Cause)
	if cause, ok := who.(Cause); ok {
		by.Cause = cause
	}
	return by, stop
}
