package decide

import (
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

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

// Representation says how a record answers a request: which status the client gets, and which
// bytes of the content (RFC 9110 sections 13 and 14).
type Representation struct {
	Status  int
	Empty   bool              // no content is sent
	Parts   []httpcache.Range // of the content that are sent; nil for all
	Ignored bool              // the Range field is malformed, or asks for no less than the whole
}

// Represent decides how rec, which has those fields, answers a request. A status of 0 means that it
// holds nothing of what is asked for.
func Represent(q *Request, rec *store.Record, stored http.Header) Representation {
	partial := rec.Part != store.Part{}
	whole := Representation{Status: rec.Status, Empty: q.Head() ||
		!httpcache.HasContent(rec.Status)}
	// preconditions are about a success: RFC 9110 section 13.2.1
	if !partial && (q.Bare || rec.Status != http.StatusOK) {
		return whole
	}
	outcome, ranges := httpcache.Preconditions(q.Method, q.Header, stored)
	switch {
	case outcome == httpcache.NotModified:
		return Representation{Status: http.StatusNotModified, Empty: true}
	case outcome == httpcache.PreconditionFailed:
		return Representation{Status: http.StatusPreconditionFailed, Empty: true}
	case partial:
		return representPart(q, rec)
	case whole.Empty || !ranges || rec.Length < 0 || q.Header.Get("Range") == "":
		return whole
	}
	parts, err := httpcache.ParseRange(q.Header.Get("Range"), rec.Length)
	switch {
	case errors.Is(err, httpcache.ErrUnsatisfiable), errors.Is(err, httpcache.ErrTooMany):
		return Representation{Status: http.StatusRequestedRangeNotSatisfiable}
	case err != nil, len(parts) == 0, httpcache.TotalLength(parts) > rec.Length:
		whole.Ignored = true
		return whole
	}
	return Representation{Status: http.StatusPartialContent, Parts: parts}
}

// representPart is represent for a record that holds a part of a content, and answers requests for
// ranges within.
func representPart(q *Request, rec *store.Record) Representation {
	if span, ok := httpcache.Part(rec.Part).Of(q.Header); ok {
		return Representation{Status: http.StatusPartialContent, Parts: []httpcache.Range{span}}
	}
	return Representation{} // it has been selected because it holds what is asked for
}
