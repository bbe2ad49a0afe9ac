package store

import (
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/trace"
)

// Each request to the origin is made for one client request. The log line about it names that
// request, and only that one counts as having asked the origin. If another node asks the origin for
// a client's request, its answer says so.

// Cause is the request that the origin is asked for.
type Cause struct {
	ID    string       // in the log
	Asked *atomic.Bool // set when the origin is being asked for it; nil if that is of no interest
	Span  *trace.Span  // nil if it isn't traced
}

// Note notes that the origin is being asked for c.
func (c Cause) Note() {
	if c.Asked != nil {
		c.Asked.Store(true)
	}
}

// Noted reports whether the origin has been asked for c.
func (c Cause) Noted() bool { return c.Asked != nil && c.Asked.Load() }

// Asked is whether the origin is asked for some of what a Reader reads.
type Asked int

const (
	NotAsked       Asked = iota // all of it was held when the reader came to it
	AskedForOthers              // some of it is yet to come, from a response to a request of others
	// for some of it the origin was asked, or is to be asked, because of this reader
	AskedForThis
)
