package proxy

import (
	"net/http"
	"strconv"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
)

func (p *Proxy) requestOf(r *http.Request, resource string) decide.Request {
	q := decide.Request{Method: r.Method, Resource: resource, Header: endToEnd(r), Looped: p.origin.Looped(r.Header), Upgrade: p.switches(r)}
	q.Authorized = len(q.Header["Authorization"]) > 0
	if left, limited := maxForwards(r); limited {
		q.Exhausted = left == 0
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

// unsafe reports whether a request with that method may have changed the resource (RFC 9110 section
// 9.2.1). A method that isn't known may.
func unsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

// maxForwards is how many hops an OPTIONS or TRACE has left (RFC 9110 section 7.6.2); others don't
// count theirs.
func maxForwards(r *http.Request) (left uint64, limited bool) {
	if r.Method != http.MethodOptions && r.Method != http.MethodTrace {
		return 0, false
	}
	left, err := strconv.ParseUint(r.Header.Get("Max-Forwards"), 10, 31)
	return left, err == nil
}
