package proxy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// name is what this cache calls itself in Via, Cache-Status and Proxy-Status.
const name = "scurry"

// view is a record made ready for answers, once, so that a hit has little left to do.
type view struct {
	facts       httpcache.Facts
	fields      []field  // all but Age, Cache-Status and what depends on the part that is sent
	length      []string // Content-Length, if the length is known
	cacheStatus []string // the origin's own Cache-Status, which ours is appended to
	key         string
	search      httpcache.Search // what it says of its query, if searches
	searches    bool
	aged        atomic.Pointer[aged]
}

// field is a header field. Its values are shared between answers and never changed.
type field struct {
	name   string
	values []string
}

// aged is what changes from second to second in the answers of a fresh record.
type aged struct {
	second      time.Duration
	age, status []string
}

func viewOf(rec *store.Record) *view { return rec.Prepared.(*view) }

// newView prepares rec for answers to clients, who see the origin's places under the mount.
func newView(rec *store.Record, policy httpcache.Policy, places *places) *view {
	v := &view{facts: policy.Facts(&httpcache.Response{
		Status: rec.Status, Header: rec.Header, Undated: rec.Undated, RequestTime: rec.RequestTime, ResponseTime: rec.ResponseTime,
	})}
	for name, values := range rec.Header {
		switch name {
		case "Content-Length", "Age", "Cache-Status":
			continue
		case "Location", "Content-Location":
			values = places.mapped(values, rec.Key)
		}
		v.fields = append(v.fields, field{name, slices.Clip(values)})
	}
	if _, ok := rec.Header["Content-Type"]; !ok {
		v.fields = append(v.fields, field{name: "Content-Type"}) // without one, net/http would make one up
	}
	v.cacheStatus, v.key = rec.Header["Cache-Status"], rec.Key
	if rec.Length >= 0 && hasContent(rec.Status) {
		v.length = []string{strconv.FormatInt(rec.Length, 10)}
	}
	return v
}

// hasContent tells whether a final response with that status to a GET has content, and may say how much (RFC 9110
// sections 6.4.1 and 8.6).
func hasContent(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// via appends this proxy to the Via field of a message received by the protocol proto (RFC 9110 section 7.6.3).
func via(values []string, proto string) []string {
	return append(slices.Clip(values), strings.TrimPrefix(proto, "HTTP/")+" "+name)
}

// put sets the fields of v in h, with the given age.
func (v *view) put(h http.Header, age time.Duration) {
	for _, f := range v.fields {
		h[f.name] = f.values
	}
	h["Age"] = v.at(age).age
}

// at returns the fields of the second that age is in, as of a hit.
func (v *view) at(age time.Duration) *aged {
	second := age.Truncate(time.Second)
	if a := v.aged.Load(); a != nil && a.second == second {
		return a
	}
	a := &aged{
		second: second,
		age:    []string{strconv.FormatInt(int64(second/time.Second), 10)},
		status: v.status(cacheStatus{hit: true, ttl: v.facts.Lifetime - second, hasTTL: true}),
	}
	v.aged.Store(a)
	return a
}

// status appends ours to the origin's Cache-Status.
func (v *view) status(c cacheStatus) []string {
	c.key = v.key
	return append(slices.Clip(v.cacheStatus), c.String())
}
