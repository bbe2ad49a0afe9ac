package decide

import "net/http"

// Request is what there is to a client's request for a resource when it is decided what to do about
// it. It isn't changed.
type Request struct {
	Method    string
	Resource  string      // the key of the resource, as the client spells it
	Header    http.Header // the end-to-end fields
	Looped    bool        // it has been through this cluster before
	Upgrade   bool        // it asks for another protocol, and may
	Exhausted bool        // Max-Forwards is 0
	Bare      bool        // it is known to have no preconditions and no Range

	// Authorized means that it has Authorization, so that only an answer that says so may be anyone
	// else's (RFC 9111 section 3.5).
	Authorized bool
}

func (q *Request) Head() bool { return q.Method == http.MethodHead }

// Whole reports whether q is for a content from its first byte to its last.
func (q *Request) Whole() bool { return q.Method == http.MethodGet && len(q.Header["Range"]) == 0 }

// Reads reports whether stored responses may answer requests with that method.
func Reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// methodPurge is the one by which operators have a cache drop what it has stored.
const methodPurge = "PURGE"

// RefusedMethod reports whether a method is for this cache, or for no cache at all, and no origin's
// business.
func RefusedMethod(method string) bool {
	return method == methodPurge || method == http.MethodConnect
}

// Unsafe reports whether a request with that method may have changed the resource (RFC 9110 section
// 9.2.1). A method that isn't known may.
func Unsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}
