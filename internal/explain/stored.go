package explain

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// account is a response on its way to a description, with what the rules make of it.
type account struct {
	StoredResponse
	x      *inquiry
	policy httpcache.Policy
	head   *httpcache.Response
	facts  httpcache.Facts
	says   httpcache.Directives
	field  string    // that the directives come from
	until  time.Time // when its freshness ends
}

// stored describes a record, at length if the request selects it.
func (x *inquiry) stored(rec *store.Record, selected bool) StoredResponse {
	a := x.account(&httpcache.Response{
		Status: rec.Status, Header: rec.Fields(), Undated: rec.Undated,
		RequestTime: rec.RequestTime.Time(), ResponseTime: rec.ResponseTime.Time(),
	}, rec.Length)
	a.Selected, a.Version, a.Groups, a.HeadOnly = selected, rec.Version, rec.Groups, rec.HeadOnly
	a.Vary = selectedBy(rec)
	retry, pass, lease := rec.RetryAfter.Time(), rec.PassUntil.Time(), rec.Lease.Time()
	switch {
	case rec.Pass:
		a.Bypass, a.PassUntil, a.Version = true, &pass, ""
		reason, _ := a.notStored(nil) // what the request said that got it isn't known
		a.refuse(reason)
	case selected:
		a.reuse(x.q.Header)
		a.Statements.when(x.Time.Before(retry), "", "The origin has just failed to confirm it: "+
			"it isn't asked again before %s.", stamp(retry))
	default:
		a.judge(nil)
	}
	if !selected {
		a.main = 0
	}
	if !rec.Lease.IsZero() {
		a.CopyUntil = &lease
	}
	say, part := a.Statements.when, rec.Part
	say(rec.Pass, "", "Until %s requests for it go straight to the origin, each for itself.",
		stamp(pass))
	say(!rec.Lease.IsZero(), "", "It is a copy of what %s owns, used until %s without asking it.",
		x.Owner, stamp(lease))
	say(part != store.Part{}, "RFC 9111 §3.3", "Only a part of the content is stored, bytes %d "+
		"to %d of %d, and it answers only requests for ranges within.", part.Start, part.End-1,
		part.Total)
	say(rec.Fragments, "RFC 9111 §3.4", "Its content has come in parts: if one that is wanted "+
		"isn't held, the origin is asked for it, and for all of it if that has changed.")
	say(len(rec.Groups) > 0, "RFC 9875 §2", "It belongs to the groups %s, which may be "+
		"invalidated together.", strings.Join(rec.Groups, ", "))
	return a.StoredResponse
}

// account begins the description of a response whose content has length bytes.
func (x *inquiry) account(head *httpcache.Response, length int64) *account {
	a := &account{x: x, policy: x.c.Site.Policy, head: head}
	a.facts = a.policy.Facts(head)
	a.says, a.field = a.policy.ResponseDirectives(head.Header)
	age, lifetime := a.facts.Age(x.Time), a.facts.Lifetime
	names := slices.Concat(caching, a.policy.Targets, x.c.Site.GroupFields)
	a.until = x.Time.Add(lifetime - age).UTC().Round(time.Second)
	a.StoredResponse = StoredResponse{
		Status: head.Status, Length: length, Fields: fields(head.Header, names),
		Age: int64(age / time.Second), Lifetime: int64(lifetime / time.Second),
		TTL: int64((lifetime - age) / time.Second),
	}
	if lifetime > 0 {
		a.FreshUntil = &a.until
	}
	return a
}

// notStored is why the response, if it answers such a request, isn't stored; it is, if ok.
func (a *account) notStored(request http.Header) (reason string, ok bool) {
	ok, reason = a.x.c.Origin.Judge(request, a.head, a.Length)
	rec := &store.Record{Length: a.Length, Rangeable: fetch.Rangeable(a.head)}
	if ok && a.x.c.Store.Streams(rec) {
		return tooLarge, false
	}
	return reason, ok
}

// tell says s with the field filled in.
func (a *account) tell(s Statement) {
	s.Text = strings.ReplaceAll(s.Text, "{field}", written(a.field))
	a.Statements = append(a.Statements, s)
}

// refuse says why the response isn't stored, and what would change that.
func (a *account) refuse(reason string) {
	r := refusals[reason]
	a.tell(Statement{r.section, "The answer isn't stored: " + r.why + "."})
	a.Statements.when(r.remedy != "", "", "To have it stored: %s.", r.remedy)
	a.main = len(a.Statements)
	a.ignored()
}

// judge says whether the response may be used for such a request, where its freshness comes from,
// and how old it is.
func (a *account) judge(request http.Header) {
	now, age, until := a.x.Time, a.facts.Age(a.x.Time), stamp(a.until)
	reason, ttl := a.facts.Reuse(request, now).Reason, a.facts.Lifetime-age
	begin := "It is fresh until " + until + ", for another " + span(ttl)
	switch {
	case a.facts.NoCache:
		reason, begin = "no-cache", "It is stale at each use"
	case ttl <= 0:
		begin = "It is stale: it was fresh until " + until + ", " + span(-ttl) + " ago"
	}
	verdict, source := verdicts[reason], sources[a.facts.Source]
	for _, w := range wishes {
		if reason == "request" && w.name == a.facts.Objection(request, now) {
			text, _ := a.policy.RequestDirectives(request).Said(w.name)
			verdict = Statement{w.section, verdict.Text + text + "."}
		}
	}
	a.tell(Statement{verdict.Section, begin + verdict.Text})
	a.tell(Statement{source.Section, "Its freshness lifetime is " + span(a.facts.Lifetime) + ": " +
		source.Text})
	a.main = len(a.Statements)
	since := max(0, now.Sub(a.head.ResponseTime))
	a.Statements.say("RFC 9111 §4.2.3", "It is %s old: it came %s ago, and was %s old then by "+
		"its Date, its Age and the time that it took to come.", span(age), span(since),
		span(age-since))
}

// reuse says all that counts when the response may be used for such a request.
func (a *account) reuse(request http.Header) {
	a.judge(request)
	say, h, revalidate := a.Statements.when, a.head.Header, a.facts.WhileRevalidate
	say(revalidate > 0, "RFC 5861 §3", "Once it is stale it is still sent at once, until %s, "+
		"while the origin is asked in the background.", stamp(a.until.Add(revalidate)))
	a.onError(request)
	with := conditions(h)
	say(with != "", "RFC 9111 §4.3.1", "The origin can be asked if it is still good: %s.", with)
	say(with == "", "RFC 9111 §4.3.1", "It has no usable ETag or Last-Modified, or was changed "+
		"in the second of its Date, so once it is stale it is fetched again in full.")
	a.wishes(request)
	say(len(h["Vary"]) > 0, "RFC 9111 §4.1", "It is only for requests that agree in %s with the "+
		"one that it answered.", value("Vary", h["Vary"]))
	say(a.x.q.Authorized, "RFC 9111 §3.5", "It may answer requests with Authorization, by "+
		"public, must-revalidate or s-maxage.")
	say(len(h["Set-Cookie"]) > 0, "RFC 9111 §7.3", "It sets a cookie, which everyone gets who is "+
		"answered with it (the setting private-cookies forbids that).")
	say(a.says.Has("no-store"), "RFC 9111 §5.2.2.3", "Its no-store doesn't count beside "+
		"must-understand, as this cache knows what status %d means.", a.Status)
	a.ignored()
}

// onError says what is done when the response is stale and the origin fails.
func (a *account) onError(request http.Header) {
	limit, why, section := a.facts.StaleLimit(request), "the setting max-stale", "RFC 9111 §4.2.4"
	for _, b := range bounds {
		if text, _ := a.says.Said(b.name); text != "" {
			why, section = text+" in "+written(a.field), b.section
		}
	}
	wish, _ := a.policy.RequestDirectives(request).Said("stale-if-error")
	if wish != "" && limit > 0 {
		why, section = why+", or "+wish+" in the request", "RFC 5861 §4"
	}
	say, strict := a.Statements.when, a.facts.NoCache || a.facts.MustRevalidate
	say(strict, section, "It is never sent stale, and clients get a 504 if the origin can't be "+
		"reached: %s.", why)
	say(!strict && limit == 0, section, "Once it is stale it isn't sent when the origin fails: %s.",
		why)
	say(limit > 0, section, "If the origin can't be reached, or answers 500, 502, 503 or 504, it "+
		"is still sent until %s, %s past its freshness: %s.", stamp(a.until.Add(limit)),
		span(limit), why)
}

// wishes says what the request asks of caches.
func (a *account) wishes(request http.Header) {
	say, pragma, ignored := a.Statements.when, len(request["Pragma"]) > 0, a.policy.IgnoreRequest
	say(ignored && (pragma || len(request["Cache-Control"]) > 0), "", "The request's "+
		"Cache-Control and Pragma are ignored, by the setting ignore-request-directives.")
	say(!ignored && pragma, "RFC 9111 §5.4", "Its Pragma: no-cache counts as a Cache-Control, "+
		"unless there is one.")
	says := a.policy.RequestDirectives(request)
	for _, w := range wishes {
		text, readable := says.Said(w.name)
		if !readable {
			w.meaning = "which can't be read"
		}
		say(text != "", w.section, "The request says %s: %s.", text, w.meaning)
	}
}

// ignored says which fields of the response don't count.
func (a *account) ignored() {
	for _, name := range a.policy.Targets {
		if name == a.field {
			a.Statements.say("RFC 9213 §2.2", "%s is for caches like this one: it counts, and "+
				"Cache-Control and Expires don't.", written(name))
			break
		}
		a.Statements.when(len(a.head.Header[name]) > 0, "RFC 9213 §2.1", "%s is empty or not a "+
			"valid structured field, so it is ignored as a whole.", written(name))
	}
	names := a.policy.Malformed(a.head)
	a.Statements.when(len(names) > 0, "RFC 9111 §4.2.1", "What can't be read permits nothing, "+
		"and counts as 0 seconds, as past, or not at all: %s.", strings.Join(names, ", "))
}
