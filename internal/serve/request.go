package serve

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Request is what there is to r, a request for resource, when it is decided about.
func (s *Server) Request(r *http.Request, resource string) decide.Request {
	q := decide.Request{Method: r.Method, Resource: resource, Header: s.Site.Strip(endToEnd(r)),
		Looped: s.Origin.Looped(r.Header), Upgrade: s.switches(r)}
	q.Authorized = len(q.Header["Authorization"]) > 0
	q.Bare = len(q.Header["Range"]) == 0 && !httpcache.Conditional(q.Header)
	left, limited := maxForwards(r)
	q.Exhausted = limited && left == 0
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

// maxForwards is how many hops an OPTIONS or TRACE has left (RFC 9110 section 7.6.2); others don't
// count theirs.
func maxForwards(r *http.Request) (left uint64, limited bool) {
	if r.Method != http.MethodOptions && r.Method != http.MethodTrace {
		return 0, false
	}
	left, err := strconv.ParseUint(r.Header.Get("Max-Forwards"), 10, 31)
	return left, err == nil
}

// switches reports whether r asks to have its connection switched to the WebSocket protocol (RFC
// 6455 section 4.1), and may. Any other Upgrade is an offer that is declined (RFC 9110 section
// 7.8): the request is served as if it weren't there.
func (s *Server) switches(r *http.Request) bool {
	if !s.WebSocket || r.Method != http.MethodGet {
		return false
	}
	upgrade := r.Header["Upgrade"]
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") &&
		r.ProtoMajor == 1 && r.ProtoAtLeast(1, 1) && slices.ContainsFunc(
		slices.Collect(httpcache.Members(r.Header["Connection"])),
		func(option string) bool { return strings.EqualFold(option, "upgrade") })
}

// answers reports whether rec is for asked, by its own rule.
func (s *Server) answers(rec *store.Record, asked string) bool {
	return s.Site.Answers(rec, cmp.Or(rec.URL, rec.Key), asked)
}

// Lookup finds what is stored here for q, a HEAD or a GET, and the key that the answer to it
// belongs under.
func (s *Server) Lookup(q *decide.Request, f *decide.Found) {
	f.Key, f.Record, f.MustRevalidate = s.Site.LikelyKey(q.Resource), nil, false
	for key := f.Key; f.Record == nil; key = q.Resource {
		rec, mustRevalidate := s.Store.Find(key, q.Header, q.Head())
		if rec != nil && s.answers(rec, q.Resource) {
			f.Key, f.Record, f.MustRevalidate = key, rec, mustRevalidate
		}
		if key == q.Resource {
			break
		}
	}
	if f.Record == nil || f.Gone != nil || q.Authorized {
		f.Variants, f.Parts = s.Store.Holds(f.Key, q.Head())
	}
}
