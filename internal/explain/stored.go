package explain

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// stored describes a record, at length if the request selects it.
func (x *inquiry) stored(rec *store.Record, selected bool) StoredResponse {
	head := &httpcache.Response{
		Status: rec.Status, Header: rec.Fields(), Undated: rec.Undated,
		RequestTime: rec.RequestTime.Time(), ResponseTime: rec.ResponseTime.Time(),
	}
	r := x.described(head, rec.Length)
	r.Selected, r.Version, r.Groups, r.Vary = selected, rec.Version, rec.Groups, selectedBy(rec)
	r.HeadOnly = rec.HeadOnly
	if !rec.Lease.IsZero() {
		until := rec.Lease.Time()
		r.CopyUntil = &until
	}
	if rec.Pass {
		until := rec.PassUntil.Time()
		r.Bypass, r.PassUntil, r.Version = true, &until, ""
		// It answered another client's request, of which only the fields in Vary are known. None
		// with Authorization or no-store leaves such a record.
		r.Statements, _ = x.storing(nil, head, rec.Length)
		r.Statements = append(r.Statements, Statement{Text: "Until " + stamp(until) +
			" requests for it go straight to the origin, none waiting for another's answer; the " +
			"next one after that finds out anew."})
		return r
	}
	if !selected {
		// verdict, lifetime and age
		r.Statements = statements(x.c.Site.Policy.ExplainReuse(nil, head, x.now)[:3])
		return r
	}
	r.Statements = statements(x.c.Site.Policy.ExplainReuse(x.q.Header, head, x.now))
	if x.now.Before(rec.RetryAfter.Time()) {
		r.Statements = append(r.Statements,
			Statement{Text: "The origin failed when it was last asked whether it is still good; " +
				"it isn't asked again before " + stamp(rec.RetryAfter.Time()) + "."})
	}
	switch part := rec.Part; {
	case part != store.Part{}:
		r.Statements = append(r.Statements,
			Statement{fmt.Sprintf("Only a part of the content is stored, bytes %d to %d of %d, "+
				"and it answers only requests for ranges within.", part.Start, part.End-1, part.Total), "RFC 9111 §3.3"})
	case rec.Fragments:
		r.Statements = append(r.Statements,
			Statement{"Some of its content has come in parts; what of it isn't held is asked of " +
				"the origin when it is wanted.", "RFC 9111 §3.4"})
	}
	if rec.Length < 0 && !rec.HeadOnly {
		r.Statements = append(r.Statements,
			Statement{Text: "Its content is still coming from the origin, so that its length " +
				"isn't known yet."})
	}
	return r
}

// described is what a response's head tells.
func (x *inquiry) described(head *httpcache.Response, length int64) StoredResponse {
	facts := x.c.Site.Policy.Facts(head)
	age := facts.Age(x.now)
	r := StoredResponse{
		Status: head.Status, Length: length, Fields: fields(head.Header, x.c.matters),
		Age: int64(age / time.Second), Lifetime: int64(facts.Lifetime / time.Second), TTL: int64((facts.Lifetime - age) / time.Second),
	}
	if facts.Lifetime > 0 {
		until := x.now.Add(facts.Lifetime - age).UTC().Round(time.Second)
		r.FreshUntil = &until
	}
	return r
}

// selectedBy says what a request has to say in the fields of rec's Vary to select it.
func selectedBy(rec *store.Record) (values []string) {
	selecting := rec.Selecting()
	for _, name := range rec.Vary {
		if lines, ok := selecting[name]; ok {
			values = append(values, written(name)+": "+value(name, lines))
		} else {
			values = append(values, "no "+written(name))
		}
	}
	return values
}

// matters reports whether a response's field has to do with caching.
func (c *Config) matters(name string) bool {
	switch name {
	case "Cache-Control", "Expires", "Date", "Age", "Last-Modified", "Etag", "Vary", "Set-Cookie",
		"Cache-Groups", "No-Vary-Search", "Content-Range", "Content-Encoding":
		return true
	}
	return slices.Contains(c.Targets, name) || slices.Contains(c.GroupFields, name)
}

// fields returns those of h that are chosen, all if chosen is nil, as "Name: value", sorted.
func fields(h http.Header, chosen func(name string) bool) (list []string) {
	for name, lines := range h {
		if chosen != nil && !chosen(name) {
			continue
		}
		list = append(list, written(name)+": "+value(name, lines))
	}
	slices.Sort(list)
	return list
}

// written is a canonical field name as people write it.
func written(name string) string {
	if name == "Etag" {
		return "ETag"
	}
	if rest, ok := strings.CutPrefix(name, "Cdn-"); ok {
		name = "CDN-" + rest
	}
	return shown(name)
}

// value is a field's value as an operator may see it: credentials aren't shown.
func value(name string, lines []string) string {
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie":
		return "(not shown)"
	}
	return shown(strings.Join(lines, ", "))
}

// shown is what someone else has sent, made fit to be shown.
func shown(s string) string { return httpcache.Shown(s, 300) }
