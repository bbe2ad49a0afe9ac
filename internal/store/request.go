package store

import (
	"net/http"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/trace"
)

// Request is a client's request.
type Request struct {
	Key    string
	Target string // the key of the resource that is asked for, if it isn't Key
	Fields
	Head  bool // it is a HEAD: the stored answer to a HEAD suffices, too
	Whole bool // the client wants the content from its first byte to its last
	Alone bool // it mustn't share another request's response
	// the version whose bytes turned out to be lost
	Gone   string
	Stored bool // only a stored response suffices; the origin mustn't be asked
	// nobody waits for the response, so the client's cache directives don't matter
	Background bool
	// the origin is to be asked for the client's range, since the whole isn't kept
	Ranged bool
	// the content is to be held by its owner, and nobody wants it here
	Warm bool

	// Variants are the records that are stored for other requests, if nothing is stored for this
	// one and the origin is to be asked.
	Variants []*Record

	// Inform, if not nil, is called with the interim responses (1xx) to the request that is made
	// for this request, on the goroutine that has called Fetch.
	Inform func(status int, header http.Header)

	ForPeer bool // it is a peer's, not a client's of this node
}

// takes reports whether rec can answer req, as far as req asks for a part.
func (req *Request) takes(rec *Record) bool { return !req.Ranged || rec.Part != Part{} }

// Fields are what a request to the origin has of the client's request that it is made for, or
// continues.
type Fields struct {
	Header http.Header // the client's end-to-end fields; not to be changed
	From   http.Header // fields that tell the origin who asks, if it is asked for this one alone
	Proto  string      // the protocol of the client's request, as in "HTTP/1.1"
	Cause              // the client's request, for which the origin is asked
}

// Client is the request of a client that a Reader reads for.
type Client interface {
	// Fields returns what the origin is asked with because of it. Its Cause is always the same.
	Fields() Fields

	// Noted reports whether the origin has been asked because of it.
	Noted() bool

	// Traced returns its Span, which may be nil.
	Traced() *trace.Span
}

// Fields makes f a Client.
func (f *Fields) Fields() Fields { return *f }

// Traced is Client's.
func (f *Fields) Traced() *trace.Span { return f.Span }

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
