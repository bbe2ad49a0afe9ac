package httpcache

import "net/http"

// Storable reports whether a shared cache may, and usefully can, store the response to a request (RFC 9111 §3). The
// request header is the one that was sent to the origin. If it may not, reason is a short word for logs.
//
// After Freshen, ask again with the status of the stored response: a 304 can bring a no-store along.
func (p Policy) Storable(method string, request http.Header, r *Response) (ok bool, reason string) {
	d := ParseDirectives(r.Header)
	if reason = refusedByMessage(method, request, r, &d); reason == "" {
		if reason = refusedAsShared(request, r, &d); reason == "" {
			reason = p.refusedAsUseless(r, &d)
		}
	}
	return reason == "", reason
}

// refusedByMessage covers what no cache may store, shared or not.
func refusedByMessage(method string, request http.Header, r *Response, d *Directives) string {
	req := ParseDirectives(request)
	switch {
	case method != http.MethodGet: // §3: "the request method is understood by the cache"
		return "method"
	case r.Status < 200 || r.Status > 599: // §3: "the response status code is final"
		return "status"
	case r.Status == http.StatusPartialContent, r.Status == http.StatusNotModified:
		// §3.3 and §4.3.4: these complete or update another stored response.
		return "partial"
	case req.has(noStore): // §5.2.1.5
		return "no-store"
	case d.has(noStore): // §5.2.2.5. That must-understand may override it (§5.2.2.3) isn't made use of.
		return "no-store"
	}
	if _, star := VaryNames(r.Header); star { // §4.1: a stored response with "*" never matches
		return "vary-star"
	}
	return ""
}

// refusedAsShared covers what one user's own cache could store.
func refusedAsShared(request http.Header, r *Response, d *Directives) string {
	switch {
	case d.has(private): // §5.2.2.7. The form with field names counts as the form without, as it permits.
		return "private"
	case len(request["Authorization"]) > 0 && // §3.5
		!d.permits(public) && !d.permits(mustRevalidate) && !d.permits(sMaxage):
		return "authorization"
	case len(r.Header["Set-Cookie"]) > 0: // §7.3: it is one client's, whatever else the response says
		return "set-cookie"
	}
	return ""
}

// refusedAsUseless covers what could never answer a request, and the statuses that need an explicit permission (§3, last
// item).
func (p Policy) refusedAsUseless(r *Response, d *Directives) string {
	lifetime, explicit := p.lifetime(r, d)
	switch {
	case d.has(mustUnderstand) && !understood(r.Status): // §5.2.2.3
		return "status"
	case !explicit && !d.permits(public) && !heuristicallyCacheable(r.Status):
		return "status"
	case hasValidator(r.Header):
		return ""
	case d.has(noCache): // §5.2.2.4: each use needs a validation, which can't be had
		return "no-cache"
	case lifetime <= 0:
		return "no-freshness-or-validator"
	}
	return ""
}

// heuristicallyCacheable lists the statuses that RFC 9110 §15.1 defines so, without 206.
func heuristicallyCacheable(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// understood lists the statuses whose caching requirements this package knows and meets (§3, must-understand).
func understood(status int) bool {
	switch status {
	case 302, 303, 307:
		return true
	}
	return heuristicallyCacheable(status)
}
