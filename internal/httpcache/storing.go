package httpcache

import (
	"net/http"
)

// The reasons of Storable.
const (
	ReasonMethod        = "method"
	ReasonStatus        = "status"
	ReasonUnderstand    = "must-understand"
	ReasonPartial       = "partial"
	ReasonRequest       = "request-no-store"
	ReasonNoStore       = "no-store"
	ReasonVaryStar      = "vary-star"
	ReasonPrivate       = "private"
	ReasonAuthorization = "authorization"
	ReasonSetCookie     = "set-cookie"
	ReasonNoCache       = "no-cache"
	ReasonUseless       = "no-freshness-or-validator"
)

// Storable reports whether a shared cache may, and usefully can, store the response to a request
// (RFC 9111 §3). The request header is the one that was sent to the origin. If it may not, reason
// is one of the words above.
//
// A 206 is judged as the 200 that it is a part of would be: ask with that status once ParsePart is
// content with it. After Freshen, ask again with the status of the stored response: a 304 can bring
// a no-store along. For a POST the caller has to compare Content-Location with the request's
// target.
func (p Policy) Storable(method string, request http.Header, r *Response) (ok bool, reason string) {
	reason = p.refusal(method, request, r)
	return reason == "", reason
}

// refusal is the reason of Storable.
func (p Policy) refusal(method string, request http.Header, r *Response) string {
	d, _ := p.ResponseDirectives(r.Header)
	req, f := p.RequestDirectives(request), p.Facts(r)
	fresh := f.Source.Explicit() && f.Lifetime > 0
	_, star := VaryNames(r.Header)
	switch {
	// §3: "the request method is understood by the cache". POST: RFC 9110 §9.3.3.
	case method != http.MethodGet && !(method == http.MethodPost && fresh):
		return ReasonMethod
	// §3: "the response status code is final"
	case r.Status < 200 || r.Status > 599 || forbidden(r.Status):
		return ReasonStatus
	case r.Status == http.StatusPartialContent, r.Status == http.StatusNotModified:
		// §3.3 and §4.3.4: these complete or update another stored response.
		return ReasonPartial
	case req.has(noStore): // §5.2.1.5
		return ReasonRequest
	case d.has(mustUnderstand) && !understood(r.Status): // §5.2.2.3
		return ReasonUnderstand
	case d.has(noStore) && !d.permits(mustUnderstand): // §5.2.2.5, which must-understand overrides
		return ReasonNoStore
	case star: // §4.1: a stored response with "*" never matches
		return ReasonVaryStar

	// What one user's own cache could store.
	case d.has(private): // §5.2.2.7, which lets the form with field names count as the one without
		return ReasonPrivate
	case len(request["Authorization"]) > 0 && !f.Shared: // §3.5
		return ReasonAuthorization
	case len(r.Header["Set-Cookie"]) > 0 && (p.PrivateCookies || !fresh || f.NoCache):
		// §7.3: Set-Cookie doesn't keep a response from being stored. But a cookie is taken to be
		// for everyone only if the response states its freshness, and not if every use has to be
		// validated: a 304 would hand the first client's cookie to the next.
		return ReasonSetCookie

	// The statuses that need an explicit permission (§3, last item), and what could never answer a
	// request.
	case !f.Source.Explicit() && !d.permits(public) && !heuristicallyCacheable(r.Status):
		return ReasonStatus
	case hasValidator(r.Header):
		return ""
	case f.NoCache: // §5.2.2.4: each use needs a validation, which can't be had
		return ReasonNoCache
	case f.Lifetime <= 0:
		return ReasonUseless
	}
	return ""
}
