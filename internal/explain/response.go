package explain

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// response is one that is described, with what the rules make of it.
type response struct {
	*inquiry
	rec   *store.Record
	head  *httpcache.Response
	facts httpcache.Facts
	says  httpcache.Directives
	field string        // that the directives come from
	ttl   time.Duration // how long it stays fresh
}

// list describes what is stored of the resource, here and at its owner.
func (x *inquiry) list() {
	records := x.Store.List(x.found.Key)
	x.when(len(records) == 0, "Stored", "", "nothing")
	for _, rec := range records {
		switch {
		case rec.Pass && !x.now.Before(rec.PassUntil.Time()):
			continue
		case x.known != nil && rec.Version == x.known.Version && rec.Revision == x.known.Revision:
			x.describe("Selected", rec)
		default:
			x.describe("Stored", rec)
		}
		x.when(!rec.Lease.IsZero(), "copy", "", "of what %s owns, used until %s without asking it",
			x.owner, stamp(rec.Lease.Time()))
	}
	if x.found.AtOwner != nil {
		x.describe("At its owner", x.found.AtOwner.Record)
	}
}

// describe describes a response, at length unless it is for other requests.
func (x *inquiry) describe(name string, rec *store.Record) {
	a := x.response(name, rec)
	switch {
	case rec.Pass:
		a.refuse(a.unstorable(nil)) // what the request said that got it isn't known
		x.say("until", "", "%s, requests go straight to the origin", stamp(rec.PassUntil.Time()))
	case name == "Origin" && a.unstorable(x.q.Header) != "":
		a.refuse(a.unstorable(x.q.Header))
	case name == "Stored":
		a.judge()
	default:
		x.Lifetime, x.TTL = int64(a.facts.Lifetime/time.Second), int64(a.ttl/time.Second)
		x.when(name == "Origin", "storing", "", "it would be stored")
		a.reuse()
	}
	retry, part := rec.RetryAfter.Time(), rec.Part
	x.when(x.now.Before(retry), "validation", "", "has just failed; waits until %s", stamp(retry))
	x.when(rec.HeadOnly, "for", "9110 §9.3.2", "HEADs only")
	x.when(part != store.Part{}, "for", "9111 §3.3", "ranges within bytes %d to %d of %d",
		part.Start, part.End-1, part.Total)
	x.when(rec.Fragments, "content", "9111 §3.4", "in parts: one that isn't held is fetched")
}

// response begins the description of a response.
func (x *inquiry) response(name string, rec *store.Record) *response {
	policy := x.Site.Policy
	a := &response{inquiry: x, rec: rec, head: &httpcache.Response{
		Status: rec.Status, Header: rec.Fields(), Undated: rec.Undated,
		RequestTime: rec.RequestTime.Time(), ResponseTime: rec.ResponseTime.Time(),
	}}
	a.facts = policy.Facts(a.head)
	if rec.Expired != 0 {
		a.facts.Expire(rec.Expired.Time())
	}
	a.ttl = a.facts.Lifetime - a.facts.Age(x.now)
	a.says, a.field = policy.ResponseDirectives(a.head.Header)
	x.say(name, "", "status %d", rec.Status)
	x.when(rec.Length >= 0, "content", "", "%d bytes", rec.Length)
	x.when(rec.Version != "" && !rec.Pass, "version", "", "%s", rec.Version)
	names := slices.Concat(caching, policy.Targets, x.Site.GroupFields)
	for _, f := range fields(a.head.Header, names) {
		x.say("field", "", "%s", f)
	}
	x.when(len(rec.Vary) > 0, "for", "9111 §4.1", "requests that have, of the fields in Vary: %s",
		cmp.Or(strings.Join(fields(rec.Selecting(), rec.Vary), " and "), "none"))
	x.when(len(rec.Groups) > 0, "groups", "9875 §2", "%s", strings.Join(rec.Groups, ", "))
	return a
}

// unstorable is why the response, if it answers such a request, isn't stored; "" if it is.
func (a *response) unstorable(request http.Header) string {
	ok, reason := a.Origin.Judge(request, a.head, a.rec.Length)
	if ok && a.Store.Streams(a.rec) {
		return unheld
	}
	return reason
}

// refuse says why the response isn't stored, and what would change that.
func (a *response) refuse(reason string) {
	why, remedy, _ := strings.Cut(refusals[reason].text, ". ")
	a.say("not stored", refusals[reason].section, "%s", why)
	a.when(remedy != "", "remedy", "", "%s", remedy)
	a.ignored()
}

// judge says whether the response may be used for the request, by what, and how old it is.
func (a *response) judge() {
	reason, age := a.facts.Reuse(a.q.Header, a.now).Reason, a.facts.Age(a.now)
	if a.facts.NoCache {
		reason = "no-cache"
	}
	verdict, source := verdicts[reason], sources[a.facts.Source]
	if a.rec.Expired != 0 {
		source = rule{"", "until it was purged softly, at " + stamp(a.rec.Expired.Time())}
	}
	if reason == "request" {
		verdict.text += a.facts.Reuse(a.q.Header, a.now).Objection
	}
	a.say("freshness", verdict.section, "ends %s, with a TTL of %d s: %s",
		stamp(a.now.Add(a.ttl)), a.ttl/time.Second, verdict.text)
	a.say("lifetime", source.section, "%d s: %s", a.facts.Lifetime/time.Second, source.text)
	before := age - max(0, a.now.Sub(a.head.ResponseTime))
	a.say("age", "9111 §4.2.3", "%d s, of which %d s before it came, by its Date, Age and delay",
		age/time.Second, before/time.Second)
}

// reuse says all that counts when the response is to be used.
func (a *response) reuse() {
	a.judge()
	h, meanwhile := a.head.Header, a.facts.WhileRevalidate
	a.when(meanwhile > 0, "if stale", "5861 §3", "sent until %s, and validated meanwhile",
		stamp(a.now.Add(a.ttl+meanwhile)))
	a.onError()
	a.say("validation", "9111 §4.3.1", "%s", cmp.Or(conditions(h), "impossible: it has no usable "+
		"ETag or Last-Modified, or was changed in the second of its Date"))
	a.when(a.q.Authorized, "for", "9111 §3.5", "requests with Authorization, too, by public, "+
		"must-revalidate or s-maxage")
	a.when(len(h["Set-Cookie"]) > 0, "cookie", "9111 §7.3", "for everyone: private-cookies is off")
	a.when(a.says.Has("no-store"), "ignored", "9111 §5.2.2.3", "no-store, beside must-understand")
	a.ignored()
}

// onError says what is done when the response is stale and the origin fails.
func (a *response) onError() {
	limit, why := a.facts.StaleLimit(a.q.Header), rule{"9111 §4.2.4", "the setting max-stale"}
	if a.rec.Invalid {
		why = rule{"9111 §4.4", "another request may have changed it"}
	}
	for _, b := range bounds {
		if text := a.says.Said(b.text); text != "" {
			why = rule{b.section, text}
		}
	}
	sent := "not sent once it is stale"
	switch wish := a.Site.Policy.RequestDirectives(a.q.Header).Said("stale-if-error"); {
	case a.facts.NoCache || a.facts.MustRevalidate || a.rec.Invalid:
		sent = "never sent stale: clients get a 504"
	case limit > 0:
		sent = fmt.Sprintf("if the origin can't be reached, or answers 500, 502, 503 or 504, sent "+
			"until %s, %d s past its freshness", stamp(a.now.Add(a.ttl+limit)), limit/time.Second)
		if wish != "" {
			why.text += ", or the request's " + wish
		}
	}
	a.say("on error", why.section, "%s (%s)", sent, why.text)
}

// ignored says which fields of the response don't count.
func (a *response) ignored() {
	policy := a.Site.Policy
	targeted := func(name string) bool { return len(a.head.Header[name]) > 0 }
	a.when(slices.ContainsFunc(policy.Targets, targeted), "ignored", "9213 §2.2", "all directives "+
		"but those of %s: a targeted field comes before Cache-Control and Expires, unless it is "+
		"malformed", a.field)
	names := strings.Join(policy.Malformed(a.head), ", ")
	a.when(names != "", "malformed", "9111 §4.2.1", "%s: counts as absent, 0 s or past", names)
}
