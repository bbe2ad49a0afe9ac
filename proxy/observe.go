package proxy

import (
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// observe draws from a response that goes past the cache what it says of what is stored.
func (p *Proxy) observe(pass *passing, resp *http.Response) {
	switch {
	case unsafe(resp.Request.Method):
		if resp.StatusCode >= 200 && resp.StatusCode < 400 {
			if before, after := p.invalidate(pass, resp); before == pass.before {
				p.keepPost(pass, resp, after)
			}
		}
	case resp.Request.Method == http.MethodHead && resp.StatusCode == http.StatusOK:
		p.observeHead(pass, resp)
	}
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

// invalidate does away with what a request may have changed (RFC 9111 section 4.4, RFC 9875 section
// 3): what is stored of its target, of the URLs that the response names, if they are the origin's,
// and of groups.
func (p *Proxy) invalidate(pass *passing, resp *http.Response) (before, after store.Moment) {
	keys := []string{pass.key}
	for _, name := range []string{"Location", "Content-Location"} {
		if key, ok := p.site.KeyFromOrigin(resp.Header.Get(name), pass.key); ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return p.store.Invalidate(keys, httpcache.InvalidatedGroups(resp.Header))
}

// observeHead updates the stored response that the HEAD would have selected, or, if it is out of
// date, does away with it (RFC 9111 section 4.3.5).
func (p *Proxy) observeHead(pass *passing, resp *http.Response) {
	_, rec, _ := p.find(pass.key, pass.header, false)
	if rec == nil || rec.Pass || rec.Status != http.StatusOK || len(pass.header["Authorization"]) > 0 || rec.ResponseTime.Time().After(pass.sent) {
		return
	}
	received, stored := p.received(resp, pass.sent), rec.Fields()
	if !httpcache.Matches(stored, received.Header, rec.Length) {
		p.store.Invalidate([]string{pass.key}, nil)
		return
	}
	if !httpcache.Settled(stored) {
		return // it may be out of date all the same, and mustn't look settled by a later Date
	}
	head := received
	head.Status, head.Header = rec.Status, httpcache.Freshen(stored, received.Header)
	req := &store.Request{Key: pass.key, Header: pass.header}
	if ok, _ := p.policy.Storable(http.MethodGet, pass.header, head); !ok || variesByIdentity(head.Header, identified(resp.Request)) {
		return
	}
	fresh := rec.Clone()
	(&source{p}).describe(fresh, req, head)
	p.store.Renew(rec, fresh)
}
