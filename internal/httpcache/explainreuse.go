package httpcache

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// ExplainReuse puts into words what Facts and Reuse decide about a stored response, for a request
// that selects it. The first line begins with "It is fresh" or "It is stale"; the second is about
// the source of its freshness lifetime, the third about its age. The others are about what is done
// when it is stale, and about the request's own directives.
func (p Policy) ExplainReuse(request http.Header, r *Response, now time.Time) []Line {
	e, f := p.explained(r), p.Facts(r)
	use := f.Reuse(request, now)
	lines := []Line{e.verdict(request, &f, use, now), e.source(), e.age(&f, now)}
	if len(request["Authorization"]) > 0 && !f.Shared {
		lines = append(lines, Line{
			"The request has Authorization, and this response doesn't say that such requests " +
				"may be answered with it (public, must-revalidate or s-maxage would).",
			"RFC 9111 §3.5",
		})
	}
	return slices.Concat(lines, e.bounds(request, &f, now), []Line{
		e.validators(),
	}, p.explainRequest(request), e.vary(),
		e.unreadable(staleWhileRevalidate, staleIfError), e.notes())
}

// verdict words use.
func (e *explained) verdict(request http.Header, f *Facts, use Reuse, now time.Time) Line {
	rest := use.Lifetime - use.Age
	end := now.Add(rest)
	stale := fmt.Sprintf("It is stale: it was fresh until %s, %s ago", moment(end), left(-rest))
	if use.Lifetime == 0 {
		stale = "It is stale from the start"
	}
	fresh := fmt.Sprintf("It is fresh until %s, for another %s", moment(end), left(rest))
	switch {
	case use.Verdict == Fresh:
		return Line{fresh + ".", "RFC 9111 §4.2"}
	case use.Verdict == StaleAllowed:
		return Line{stale + "; this request accepts that by its max-stale.", "RFC 9111 §5.2.1.2"}
	case use.Verdict == StaleMeanwhile:
		return Line{
			stale + ". It is still sent at once, while the origin is asked in the " +
				"background: " + e.said(staleWhileRevalidate) + ".",
			"RFC 5861 §3",
		}
	case use.Reason == "request":
		why, section := f.objection(request, use.Age)
		return Line{fresh + ", but this request doesn't accept it: " + why + ".", section}
	case f.NoCache && rest > 0:
		return Line{
			fmt.Sprintf("It is stale at each use, though it would be fresh until %s: %s has it "+
				"validated with the origin first.", moment(end), e.said(noCache)),
			"RFC 9111 §5.2.2.4",
		}
	case f.NoCache:
		return Line{
			stale + ", and " + e.said(noCache) + " has it validated with the origin at each use.",
			"RFC 9111 §5.2.2.4",
		}
	}
	return Line{
		stale + "; it may not be used before the origin has said that it is still good.",
		"RFC 9111 §4.2.4",
	}
}

// objection names the directive of a request that doesn't accept a fresh response of that age; it
// is accepted, in words.
func (f *Facts) objection(request http.Header, age time.Duration) (why, section string) {
	d := Policy{IgnoreRequest: f.ignoreRequest}.RequestDirectives(request)
	if d.has(noCache) {
		if len(request["Cache-Control"]) == 0 {
			return "Pragma: no-cache", "RFC 9111 §5.4"
		}
		return "no-cache", "RFC 9111 §5.2.1.4"
	}
	if limit, present, _ := d.delta(maxAge); present && (limit == 0 || age > limit) {
		return fmt.Sprintf("max-age=%d, and it "+
			"is %s old", limit/time.Second, span(age)), "RFC 9111 §5.2.1.1"
	}
	if margin, _, valid := d.delta(minFresh); valid {
		return fmt.Sprintf("min-fresh=%d, and it is fresh for another "+
			"%s only", margin/time.Second, span(f.Lifetime-age)), "RFC 9111 §5.2.1.3"
	}
	return "a min-fresh that can't be read", "RFC 9111 §5.2.1.3"
}

// source says where the freshness lifetime comes from. Its cases are those of lifetime.
func (e *explained) source() Line {
	lifetime, _ := e.lifetime(e.r, &e.d)
	begin := fmt.Sprintf("Its freshness lifetime is %s: ", span(lifetime))
	section := "RFC 9213 §2.2"
	for _, k := range []directive{sMaxage, maxAge} {
		_, present, valid := e.d.delta(k)
		switch {
		case !present:
			continue
		case !valid:
			return Line{
				begin + directiveNames[k] + " in " + e.field + " can't be read, and counts as 0.",
				"RFC 9111 §4.2.1",
			}
		case !e.d.targeted && k == sMaxage:
			section = "RFC 9111 §5.2.2.10"
		case !e.d.targeted:
			section = "RFC 9111 §5.2.2.1"
		}
		also := ""
		switch {
		case k == sMaxage && e.d.has(maxAge):
			also = ", which for shared caches comes before max-age"
		case len(e.r.Header["Expires"]) > 0 && !e.d.targeted:
			also = ", which comes before Expires"
		}
		return Line{begin + e.said(k) + also + ".", section}
	}
	if len(e.r.Header["Expires"]) > 0 && !e.d.targeted {
		return e.expires(begin)
	}
	if e.r.Status == http.StatusNotFound || e.r.Status == http.StatusGone {
		return Line{
			fmt.Sprintf("%sit states none, and a %d then gets that of the setting "+
				"negative-ttl.", begin, e.r.Status),
			"RFC 9111 §4.2.2",
		}
	}
	return e.heuristic(begin)
}

func (e *explained) expires(begin string) Line {
	text := line(e.r.Header, "Expires")
	t, ok := parseDate(single(e.r.Header, "Expires"), e.r.ResponseTime)
	switch {
	case !ok:
		return Line{
			begin + "Expires (" + text + ") isn't one valid date, and counts as past.",
			"RFC 9111 §5.3",
		}
	case t.Before(e.r.date()):
		return Line{
			fmt.Sprintf("%sExpires (%s) is before its Date (%s).", begin, text, moment(e.r.date())),
			"RFC 9111 §5.3",
		}
	}
	return Line{
		fmt.Sprintf("%sits Expires (%s) less its Date (%s).", begin, text, moment(e.r.date())),
		"RFC 9111 §5.3",
	}
}

func (e *explained) heuristic(begin string) Line {
	begin += "it states none, "
	modified, ok := httpDate(e.r.Header, "Last-Modified", e.r.ResponseTime)
	since := e.r.date().Sub(modified)
	const section = "RFC 9111 §4.2.2"
	switch {
	case e.HeuristicLimit <= 0:
		return Line{begin + "and the setting heuristic-limit has none assumed.", section}
	case !heuristicallyCacheable(e.r.Status) && !e.d.permits(public):
		return Line{
			fmt.Sprintf("%sand for status %d none may be assumed.", begin, e.r.Status),
			section,
		}
	case !ok:
		return Line{
			begin + "and without a Last-Modified there is nothing to guess one from.",
			section,
		}
	case since <= 0:
		return Line{
			begin + "and its Last-Modified isn't before its Date, so that none can be guessed.",
			section,
		}
	case since/10 > e.HeuristicLimit:
		return Line{
			begin + "so a tenth of the time between Last-Modified and Date is assumed, cut to " +
				"the setting heuristic-limit.",
			section,
		}
	}
	return Line{
		fmt.Sprintf("%sso a tenth of the %s between Last-Modified and Date is "+
			"assumed.", begin, span(since)),
		section,
	}
}

// age says how old the response is, and why it was so old when it came.
func (e *explained) age(f *Facts, now time.Time) Line {
	text := fmt.Sprintf("It is %s old: it "+
		"came %s ago", span(f.Age(now)), span(max(0, now.Sub(e.r.ResponseTime))))
	switch byDate := max(0, e.r.ResponseTime.Sub(e.r.date())); {
	case f.initialAge < time.Second:
	case f.initialAge == byDate:
		text += fmt.Sprintf(", and its Date (%s) was %s old then", moment(e.r.date()), span(byDate))
	case ageValue(e.r.Header) > 0:
		text += fmt.Sprintf(", and was %s old then by its Age", span(f.initialAge))
	default:
		text += fmt.Sprintf(", and had taken %s to come", span(f.initialAge))
	}
	for member := range Members(e.r.Header["Age"]) {
		if _, ok := digits(member, maxDelta); !ok {
			text += "; its Age (" + line(e.r.Header, "Age") + ") isn't a number and is ignored"
		}
		break
	}
	return Line{text + ".", "RFC 9111 §4.2.3"}
}

// bounds say what is done with the response when it is stale.
func (e *explained) bounds(request http.Header, f *Facts, now time.Time) (lines []Line) {
	end := now.Add(f.Lifetime - f.Age(now))
	if f.whileRevalidate > 0 {
		lines = append(lines, Line{fmt.Sprintf("Once it is stale it is still sent at once, "+
			"until %s, while the origin is asked in the background: %s.",
			moment(end.Add(f.whileRevalidate)), e.said(staleWhileRevalidate)), "RFC 5861 §3"})
	}
	if f.NoCache {
		return append(lines, Line{
			"It is never sent unless the origin says that it is still good, and clients get a " +
				"504 if the origin can't be reached: " + e.said(noCache) + ".",
			"RFC 9111 §5.2.2.4",
		})
	}
	for _, no := range [...]struct {
		k       directive
		section string
	}{
		{mustRevalidate, "RFC 9111 §5.2.2.2"},
		{proxyRevalidate, "RFC 9111 §5.2.2.8"},
		{sMaxage, "RFC 9111 §5.2.2.10"},
	} {
		if e.d.has(no.k) { // one is, if MustRevalidate is set, and none otherwise
			return append(lines, Line{
				"Once it is stale it is never sent without the origin's word, and clients get a " +
					"504 if the origin can't be " +
					"reached: " + directiveNames[no.k] + " in " + e.field + ".",
				no.section,
			})
		}
	}
	return append(lines, e.onError(request, f, end))
}

// onError says for how long past end the response stands in for an origin that fails.
func (e *explained) onError(request http.Header, f *Facts, end time.Time) Line {
	limit, why, section := f.ifError, "the setting max-stale", "RFC 9111 §4.2.4"
	if e.d.has(staleIfError) {
		why, section = e.said(staleIfError), "RFC 5861 §4"
	}
	d := e.RequestDirectives(request)
	if wish, _, valid := d.delta(staleIfError); valid && wish > limit {
		limit, why, section = wish, fmt.Sprintf("stale-if-error=%d in the "+
			"request", wish/time.Second), "RFC 5861 §4"
	}
	if limit <= 0 {
		return Line{"Once it is stale it isn't sent when the origin fails: " + why + ".", section}
	}
	return Line{
		fmt.Sprintf("If the origin can't be reached, or answers 500, 502, 503 or 504, it is "+
			"still sent until %s, %s past its "+
			"freshness: %s.", moment(end.Add(limit)), span(limit), why),
		section,
	}
}
