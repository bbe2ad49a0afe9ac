// Package httpcache holds the rules of HTTP caching (RFC 9111, 5861, 9213, 9875, and RFC 9110
// §13-14) as pure functions over a stored response, a request and the time.
//
// Heads of messages flow in, decisions flow out. Nothing here reads a clock, does I/O or keeps a
// header it was given, so every function may be called concurrently as long as those headers aren't
// written to. Headers are expected with canonical keys, as net/http delivers them. Where an RFC
// leaves a choice, it is a field of Policy, or a comment at the branch names the RFC's section and
// what was chosen. Where input is malformed, the result is the one that costs a request to the
// origin rather than one that could serve the wrong bytes.
package httpcache

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Limits are the durations of a Policy.
type Limits struct {
	// HeuristicLimit caps heuristic freshness (RFC 9111 §4.2.2). If zero or negative, none is
	// assigned.
	HeuristicLimit time.Duration

	// NegativeTTL is the freshness lifetime of a 404 or 410 that states none. If zero or negative,
	// it has none.
	NegativeTTL time.Duration

	// MaxStale is how long past its freshness lifetime a stored response may be served when the
	// origin can't be reached (RFC 9111 §4.2.4), if it has no stale-if-error (RFC 5861 §4). If zero
	// or negative, never. A request's stale-if-error can make it longer.
	MaxStale time.Duration
}

// Policy is what an operator may choose where the RFCs leave a choice. The zero Policy is the
// strictest one.
type Policy struct {
	// Limits are used unless Live holds others. Live may be nil; what it holds may be replaced at
	// any time, and counts for the Facts that are worked out from then on.
	Limits
	Live *atomic.Pointer[Limits]

	// Targets are the canonical names of the targeted fields (RFC 9213) that this cache obeys; the
	// first that is there and valid counts.
	Targets []string

	// PrivateCookies: a response with Set-Cookie isn't stored, whatever its freshness.
	PrivateCookies bool

	// IgnoreRequest: a request's cache directives (RFC 9111 §5.2.1) are ignored.
	IgnoreRequest bool
}

// limits are those that count now.
func (p Policy) limits() Limits {
	if p.Live != nil {
		if live := p.Live.Load(); live != nil {
			return *live
		}
	}
	return p.Limits
}

// ResponseDirectives are the directives that a response has for this cache, and the canonical name
// of the field that they come from.
func (p Policy) ResponseDirectives(h http.Header) (d Directives, field string) {
	for _, name := range p.Targets {
		if d, ok := ParseTargeted(h[name]); ok { // RFC 9213 §2.2
			d.targeted = true
			return d, name
		}
	}
	return ParseDirectives(h), "Cache-Control"
}

// RequestDirectives are the directives of a request, none if they are to be ignored. Pragma:
// no-cache counts as no-cache (RFC 9111 §5.4), if there is no Cache-Control.
func (p Policy) RequestDirectives(h http.Header) Directives {
	if p.IgnoreRequest {
		return Directives{}
	}
	if len(h["Cache-Control"]) > 0 {
		return ParseDirectives(h)
	}
	var d Directives
	for member := range Members(h["Pragma"]) {
		if equalFold(member, directiveNames[noCache]) {
			d.seen = 1 << noCache
		}
	}
	return d
}

// Response is a response's head as it was received.
type Response struct {
	Status int

	// Header holds the end-to-end fields (see EndToEnd).
	Header http.Header

	// Undated: the origin sent no Date. The one in Header, if any, is the recipient's, which is
	// ResponseTime cut to the second (RFC 9110 §6.6.1).
	Undated bool

	// RequestTime is when the request was made that this response answers, ResponseTime is when the
	// response was received (RFC 9111 §4.2.3). Both have to be set: with a zero RequestTime, the
	// response is very old. After a successful validation they are those of the validating
	// exchange.
	RequestTime, ResponseTime time.Time
}

// date is date_value of RFC 9111 §4.2.3. A response without a usable Date was dated by its
// recipient (RFC 9110 §6.6.1).
func (r *Response) date() time.Time {
	if t, ok := httpDate(r.Header, "Date", r.ResponseTime); ok && !r.Undated {
		return t
	}
	return r.ResponseTime
}

// HasContent reports whether a final response with that status to a GET has content, and may say
// how much (RFC 9110 §6.4.1, §8.6).
func HasContent(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
