package httpcache

import (
	"math"
	"net/http"
	"time"
)

// Source is where a freshness lifetime comes from (RFC 9111 §4.2).
type Source uint8

const (
	SourceNone            Source = iota // nothing: there is no Last-Modified to guess by
	SourceHeuristicOff                  // nothing: the policy has no heuristic
	SourceHeuristicStatus               // nothing: the status permits no heuristic
	SourceHeuristic                     // guessed from Last-Modified
	SourceNegativeTTL                   // the policy's for a 404 or 410
	SourceExpires                       // from here on, the origin stated it
	SourceMaxAge
	SourceSMaxage
)

// Explicit reports whether the origin stated the lifetime.
func (s Source) Explicit() bool { return s >= SourceExpires }

// lifetime returns the freshness lifetime of a response (RFC 9111 §4.2.1) and where it comes from.
// What the origin stated in a malformed or contradictory way is an explicit lifetime of zero.
func (p Policy) lifetime(r *Response, d *Directives) (time.Duration, Source) {
	if s, present, _ := d.delta(sMaxage); present { // §5.2.2.10
		return s, SourceSMaxage
	}
	if s, present, _ := d.delta(maxAge); present { // §5.2.2.1
		return s, SourceMaxAge
	}
	if len(r.Header["Expires"]) > 0 && !d.targeted { // §5.3
		return untilExpires(r), SourceExpires
	}
	if r.Status == http.StatusNotFound || r.Status == http.StatusGone {
		// §4.2.2 lets a cache assign what it wants here. That a Last-Modified long ago makes a
		// file's absence last is no sound heuristic, so the operator's number is the only one.
		return clampLifetime(p.limits().NegativeTTL), SourceNegativeTTL
	}
	return p.heuristicLifetime(r, d)
}

// untilExpires is Expires minus Date. Expires isn't a list: several lines that differ contradict
// each other (§4.2.1), and an invalid date, "0" above all, is a time in the past (§5.3).
func untilExpires(r *Response) time.Duration {
	t, ok := parseDate(single(r.Header, "Expires"), r.ResponseTime)
	if !ok {
		return 0
	}
	return clampLifetime(t.Sub(r.date()))
}

// heuristicLifetime is a tenth of the time since the last modification, which §4.2.2 calls typical.
func (p Policy) heuristicLifetime(r *Response, d *Directives) (time.Duration, Source) {
	limit := p.limits().HeuristicLimit
	switch {
	case limit <= 0:
		return 0, SourceHeuristicOff
	case !heuristicallyCacheable(r.Status) && !d.permits(public):
		return 0, SourceHeuristicStatus
	}
	modified, ok := httpDate(r.Header, "Last-Modified", r.ResponseTime)
	if !ok {
		return 0, SourceNone
	}
	return clampLifetime(min(r.date().Sub(modified)/10, limit)), SourceHeuristic
}

func clampLifetime(d time.Duration) time.Duration {
	return min(max(d, 0), maxDelta*time.Second)
}

// initialAge is corrected_initial_age of §4.2.3.
func initialAge(r *Response) time.Duration {
	apparentAge := max(0, r.ResponseTime.Sub(r.date()))
	responseDelay := max(0, r.ResponseTime.Sub(r.RequestTime))
	correctedAgeValue := addAges(ageValue(r.Header), responseDelay)
	return max(apparentAge, correctedAgeValue)
}

// ageValue is age_value of §4.2.3: of a list the first member counts, and a malformed one is
// ignored (§5.1).
func ageValue(h http.Header) time.Duration {
	for member := range Members(h["Age"]) {
		n, _ := digits(member, maxDelta)
		return time.Duration(n) * time.Second
	}
	return 0
}

// addAges adds two durations that aren't negative.
func addAges(a, b time.Duration) time.Duration {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return math.MaxInt64
}
