package serve

import (
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// observe draws from a response that goes past the cache what it says of what is stored.
func (f *forwarded) observe(resp *http.Response) {
	switch {
	case decide.Unsafe(resp.Request.Method):
		if resp.StatusCode >= 200 && resp.StatusCode < 400 {
			if now, current := f.invalidate(resp); current {
				f.keepPost(resp, now)
			}
		}
	case resp.Request.Method == http.MethodHead && resp.StatusCode == http.StatusOK:
		f.observeHead(resp)
	}
}

// invalidate invalidates what a request may have changed (RFC 9111 section 4.4, RFC 9875 section
// 3): what is stored of its target, of the URLs that the response names, if they are the origin's,
// and of groups. It returns the moment just after, and reports whether nobody else had invalidated
// what the response would be stored for since the request was sent.
func (f *forwarded) invalidate(resp *http.Response) (now store.Moment, current bool) {
	keys := []string{f.q.Resource}
	for _, name := range []string{"Location", "Content-Location"} {
		if key, ok := f.s.Site.KeyFromOrigin(resp.Header.Get(name), f.q.Resource); ok &&
			!slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	members := httpcache.Groups(resp.Header, f.s.Site.GroupFields)
	return f.s.Store.Invalidate(keys, httpcache.InvalidatedGroups(resp.Header), members, f.before)
}

// observeHead updates the stored response that the HEAD would have selected, or invalidates it if
// it is out of date (RFC 9111 section 4.3.5).
func (f *forwarded) observeHead(resp *http.Response) {
	get := decide.Request{Method: http.MethodGet, Resource: f.q.Resource, Header: f.q.Header}
	var found decide.Found
	f.s.Lookup(&get, &found)
	rec := found.Record
	if rec == nil || rec.Pass || rec.Status != http.StatusOK || f.q.Authorized ||
		rec.ResponseTime.Time().After(f.sent) {
		return
	}
	received, stored := f.s.Origin.Received(resp, f.sent), rec.Fields()
	if !httpcache.Matches(stored, received.Header, rec.Length) {
		f.s.Store.Invalidate([]string{f.q.Resource}, nil, nil, store.Moment{})
		return
	}
	if !httpcache.Settled(stored) {
		return // it may be out of date all the same, and mustn't look settled by a later Date
	}
	received.Status, received.Header = rec.Status, httpcache.Freshen(stored, received.Header)
	if ok, _ := f.s.Site.Policy.Storable(http.MethodGet, f.q.Header, received); !ok ||
		fetch.VariesByIdentity(received.Header, fetch.Identified(resp.Request)) {
		return
	}
	fresh := rec.Clone()
	f.s.Origin.Describe(fresh, f.q.Header, received)
	f.s.Store.Renew(rec, fresh)
}
