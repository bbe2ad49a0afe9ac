package proxy

import (
	"net/http"
	"strconv"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// request is what there is to a client's request for a resource when it is decided what to do about
// it. It isn't changed.
type request struct {
	method    string
	resource  string      // the key of the resource, as the client spells it
	header    http.Header // the end-to-end fields
	looped    bool        // it has been through this cluster before
	upgrade   bool        // it asks for another protocol, and may
	exhausted bool        // Max-Forwards is 0

	// authorized: it has Authorization, so that only an answer that says so may be anyone else's (RFC
	// 9111 section 3.5).
	authorized bool
}

func (p *Proxy) requestOf(r *http.Request, resource string) request {
	q := request{method: r.Method, resource: resource, header: endToEnd(r), looped: p.looped(r.Header), upgrade: p.switches(r)}
	q.authorized = len(q.header["Authorization"]) > 0
	if left, limited := maxForwards(r); limited {
		q.exhausted = left == 0
	}
	return q
}

// endToEnd is a request's header without what concerns the client's connection: that isn't for the
// origin, so it mustn't select a variant either. Nor is what means something in a GET only in that
// of a HEAD (RFC 9110 sections 13.1.5 and 14.2): origins answer it all the same, with a 206 or 416.
func endToEnd(r *http.Request) http.Header {
	h := r.Header
	if len(h["Connection"]) > 0 {
		h = httpcache.EndToEnd(h)
	}
	return ofMethod(r.Method, h)
}

func ofMethod(method string, h http.Header) http.Header {
	if method == http.MethodHead && (len(h["Range"]) > 0 || len(h["If-Range"]) > 0) {
		h = h.Clone()
		delete(h, "Range")
		delete(h, "If-Range")
	}
	return h
}

func (q *request) head() bool { return q.method == http.MethodHead }

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// unsafe reports whether a request with that method may have changed the resource (RFC 9110 section
// 9.2.1). A method that isn't known may.
func unsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// methodPurge is the one by which operators have a cache drop what it has stored.
const methodPurge = "PURGE"

// refusedMethod reports whether a method is for this cache, or for no cache at all, and no origin's
// business.
func refusedMethod(method string) bool { return method == methodPurge || method == http.MethodConnect }

// maxForwards is how many hops an OPTIONS or TRACE has left (RFC 9110 section 7.6.2); others don't
// count theirs.
func maxForwards(r *http.Request) (left uint64, limited bool) {
	if r.Method != http.MethodOptions && r.Method != http.MethodTrace {
		return 0, false
	}
	left, err := strconv.ParseUint(r.Header.Get("Max-Forwards"), 10, 31)
	return left, err == nil
}
