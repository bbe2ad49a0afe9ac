package store

import "net/http"

// Request is a client's request.
type Request struct {
	Key    string
	Target string // the key of the resource that is asked for, if it isn't Key
	Fields
	Head  bool // it is a HEAD: what is stored of the answer to another one will do, too
	Whole bool // the client wants the content from its first byte to its last
	Alone bool // no one else's answer will do
	// the version that was tried, and whose bytes turned out to be had no more
	Gone   string
	Stored bool // only what is stored will do; the origin isn't to be asked
	// nobody waits for the answer, so that what the client wishes to be answered is no matter
	Background bool
	// the origin is to be asked for the range that the client wants, since the whole isn't kept
	Ranged bool

	// Variants are what is stored for other requests than this one, when the origin is asked for
	// what nothing is stored of.
	Variants []*Record

	// Inform, if not nil, is called with the interim responses (1xx) to the request that is made
	// for this request, on the goroutine that has called Fetch.
	Inform func(status int, header http.Header)

	ForPeer bool // it is asked for a peer, not for a client of this node
}

// takes reports whether rec is what a asks for, if it is a part that it asks for.
func (req *Request) takes(rec *Record) bool { return !req.Ranged || rec.Part != Part{} }

// Fields are what a request to the origin has of the client's request that it is made for, or
// continues.
type Fields struct {
	Header http.Header // the client's end-to-end fields; not to be changed
	From   http.Header // fields that tell the origin who asks, if it is asked for this one alone
	Proto  string      // the protocol of the client's request, as in "HTTP/1.1"
	Cause              // the client's request, for which the origin is asked
}
