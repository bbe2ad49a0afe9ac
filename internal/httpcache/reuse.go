package httpcache

import (
	"net/http"
	"time"
)

// Facts are what has to be known of a stored response in order to judge its reuse, worked out once.
// They hold no reference to the response, may be copied, and their methods may be called
// concurrently.
type Facts struct {
	// Lifetime is the freshness lifetime, which comes from Source (RFC 9111 §4.2.1).
	Lifetime time.Duration
	Source   Source

	// NoCache: each use needs a successful validation (§5.2.2.4, the form with field names
	// included).
	NoCache bool

	// MustRevalidate: it may never be served stale, because of must-revalidate, proxy-revalidate or
	// s-maxage (§5.2.2.2, §5.2.2.8, §5.2.2.10).
	MustRevalidate bool

	// Shared: it may answer requests with Authorization, and be stored if it answers one (§3.5).
	Shared bool

	ignoreRequest bool // of the policy

	// WhileRevalidate is how stale it may be served while it is being validated (RFC 5861 §3).
	WhileRevalidate time.Duration

	initialAge   time.Duration
	responseTime time.Time

	ifError time.Duration // how stale it may be served if it can't be validated
}

// Facts works out the facts of a stored response under this policy.
func (p Policy) Facts(r *Response) Facts {
	d, _ := p.ResponseDirectives(r.Header)
	_, _, shared := d.delta(sMaxage)
	f := Facts{
		NoCache:        d.has(noCache),
		MustRevalidate: d.has(mustRevalidate) || d.has(proxyRevalidate) || d.has(sMaxage),
		Shared:         shared || d.permits(public) || d.permits(mustRevalidate),
		initialAge:     initialAge(r),
		responseTime:   r.ResponseTime,
		ifError:        max(0, p.limits().MaxStale),
		ignoreRequest:  p.IgnoreRequest,
	}
	f.Lifetime, f.Source = p.lifetime(r, &d)
	if !f.NoCache && !f.MustRevalidate {
		f.WhileRevalidate, _, _ = d.delta(staleWhileRevalidate)
	}
	if limit, present, _ := d.delta(staleIfError); present {
		f.ifError = limit
	}
	return f
}

// Age is current_age of RFC 9111 §4.2.3. It is never negative, whatever the clocks did.
func (f *Facts) Age(now time.Time) time.Duration {
	residentTime := max(0, now.Sub(f.responseTime))
	return addAges(f.initialAge, residentTime)
}

// Expire makes the response stale from that time on, if it is still fresh then.
func (f *Facts) Expire(at time.Time) { f.Lifetime = min(f.Lifetime, f.Age(at)) }

// Verdict is what may be done with a stored response.
type Verdict int

const (
	// Fresh: it may be served as it is.
	Fresh Verdict = iota

	// Stale: it may not be served without successful validation.
	Stale

	// StaleAllowed: it has expired, but the request's max-stale permits serving it as it is.
	StaleAllowed

	// StaleMeanwhile: it has expired, but may be served as it is if a validation is under way (RFC
	// 5861 §3).
	StaleMeanwhile
)

// Reuse is whether a stored response may satisfy a request, and why.
type Reuse struct {
	Verdict Verdict

	// Age and Lifetime are those of the stored response; their difference is its remaining
	// freshness.
	Age, Lifetime time.Duration

	// Reason is empty if the verdict is Fresh, "max-stale" if it is StaleAllowed, and
	// "stale-while-revalidate" if it is StaleMeanwhile. Otherwise it is the fwd value of
	// Cache-Status (RFC 9211 §2.2): "stale", or "request" if the response is fresh but the
	// request's directives don't accept it.
	Reason string

	// Objection names the directive of the request that doesn't accept the stored response, fresh
	// or stale (§5.2.1). It is empty if all do.
	Objection string

	// OnlyIfCached: if the verdict is Stale, the client wants a 504 rather than a request to the
	// origin (§5.2.1.7).
	OnlyIfCached bool
}

// Reuse decides whether the stored response may satisfy a request that selects it (RFC 9111 §4). It
// allocates nothing. It doesn't check Authorization, for which there is Shared.
func (f *Facts) Reuse(request http.Header, now time.Time) Reuse {
	d, age := f.requestDirectives(request), f.Age(now)
	u := Reuse{
		Verdict: Stale, Reason: "stale", Age: age, Lifetime: f.Lifetime,
		Objection: f.objection(&d, age), OnlyIfCached: d.has(onlyIfCached),
	}
	staleness := age - f.Lifetime
	fresh := staleness < 0 && !f.NoCache // §4.2: response_is_fresh
	limit, _, limited := d.delta(maxStale)
	switch {
	case fresh && u.Objection != "":
		u.Reason = "request"
	case fresh:
		u.Verdict, u.Reason = Fresh, ""
	case u.Objection != "" || f.NoCache || f.MustRevalidate: // it may not be stale
	case limited && staleness <= limit: // §5.2.1.2
		u.Verdict, u.Reason = StaleAllowed, directiveNames[maxStale]
	case staleness < f.WhileRevalidate:
		u.Verdict, u.Reason = StaleMeanwhile, directiveNames[staleWhileRevalidate]
	}
	return u
}

// requestDirectives are the directives of a request, by the policy that the facts were worked out
// under.
func (f *Facts) requestDirectives(request http.Header) Directives {
	return Policy{IgnoreRequest: f.ignoreRequest}.RequestDirectives(request)
}

// Usable is Reuse, and reports whether the stored response may answer the request without the
// origin being asked first. Until retryAfter the origin counts as unreachable, since it has just
// failed.
func (f *Facts) Usable(request http.Header, now, retryAfter time.Time) (use Reuse, ok bool) {
	use = f.Reuse(request, now)
	switch {
	case len(request["Authorization"]) > 0 && !f.Shared: // §3.5
		return use, false
	case use.Verdict != Stale:
		return use, true
	}
	// A client who doesn't accept it wants the origin asked, even if that has just failed.
	return use, use.Objection == "" && now.Before(retryAfter) && f.StaleOnError(request, now)
}

// objection is Reuse's Objection, for a response of this age. The RFC words the directives as
// preferences; they are honoured, and one that can't be read counts as the wish to have the
// response validated.
func (f *Facts) objection(d *Directives, age time.Duration) string {
	switch {
	case d.seen == 0: // the ordinary request
		return ""
	case d.has(noCache): // §5.2.1.4
		return directiveNames[noCache]
	}
	// §5.2.1.1. With zero a client that reloads asks for validation, even of what arrived in this
	// very instant.
	if limit, present, _ := d.delta(maxAge); present && (limit == 0 || age > limit) {
		return directiveNames[maxAge]
	}
	margin, present, valid := d.delta(minFresh) // §5.2.1.3
	if present && (!valid || f.Lifetime-age < margin) {
		return directiveNames[minFresh]
	}
	return ""
}

// StaleOnError reports whether the stored response may be served although the validation it needed
// failed because the origin can't be reached or answered with an error (RFC 9111 §4.2.4 and §4.3.3,
// RFC 5861 §4). One that is still fresh may be, unless it says no-cache: only the request had asked
// for the validation, as a preference.
func (f *Facts) StaleOnError(request http.Header, now time.Time) bool {
	staleness, limit := f.Age(now)-f.Lifetime, f.StaleLimit(request)
	return staleness < 0 && !f.NoCache || limit > 0 && staleness <= limit
}

// StaleLimit is how stale StaleOnError lets the response be, for that request; 0 if it doesn't.
func (f *Facts) StaleLimit(request http.Header) time.Duration {
	if f.NoCache || f.MustRevalidate {
		return 0
	}
	wish, _, _ := f.requestDirectives(request).delta(staleIfError)
	return max(f.ifError, wish)
}

// Lasts is how long the stored response may be used without another validation, at the most, if it
// has been validated just now: while it is fresh, while it is being validated, and while the origin
// fails. A request with directives of its own may have it used for longer.
func (f *Facts) Lasts(now time.Time) time.Duration {
	if f.NoCache {
		return 0
	}
	lasts := addAges(f.Lifetime, max(f.WhileRevalidate, f.StaleLimit(nil)))
	if f.Source == SourceHeuristic { // it grows with the time since the last modification
		lasts = addAges(lasts, f.Age(now)/10)
	}
	return lasts
}

// Shareable reports whether requests that were waiting for this very response may all be answered
// with it (RFC 9111 §4, "collapse requests"). One that is to be validated before each use is for
// the request that caused it alone.
func (f *Facts) Shareable() bool {
	return !f.NoCache && !(f.Source.Explicit() && f.Lifetime == 0)
}
