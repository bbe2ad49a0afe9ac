package httpcache

import (
	"math"
	"net/http"
	"time"
)

// Lifetime returns the freshness lifetime of a response (RFC 9111 §4.2.1) and whether the origin
// stated it. What the origin stated in a malformed or contradictory way is an explicit lifetime of
// zero.
func (p Policy) Lifetime(r *Response) (lifetime time.Duration, explicit bool) {
	d := p.responseDirectives(r.Header)
	return p.lifetime(r, &d)
}

func (p Policy) lifetime(r *Response, d *Directives) (lifetime time.Duration, explicit bool) {
	if s, present, _ := d.delta(sMaxage); present { // §5.2.2.10
		return s, true
	}
	if s, present, _ := d.delta(maxAge); present { // §5.2.2.1
		return s, true
	}
	if len(r.Header["Expires"]) > 0 && !d.targeted { // §5.3
		return untilExpires(r), true
	}
	if r.Status == http.StatusNotFound || r.Status == http.StatusGone {
		// §4.2.2 lets a cache assign what it wants here. That a Last-Modified long ago makes a
		// file's absence last is no sound heuristic, so the operator's number is the only one.
		return clampLifetime(p.NegativeTTL), false
	}
	return p.heuristicLifetime(r, d), false
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
func (p Policy) heuristicLifetime(r *Response, d *Directives) time.Duration {
	if p.HeuristicLimit <= 0 || !heuristicallyCacheable(r.Status) && !d.permits(public) {
		return 0
	}
	modified, ok := httpDate(r.Header, "Last-Modified", r.ResponseTime)
	if !ok {
		return 0
	}
	return clampLifetime(min(r.date().Sub(modified)/10, p.HeuristicLimit))
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
