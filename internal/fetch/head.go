package fetch

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
)

// Received returns the head of a response, to a request that was sent at that time, in the form
// that package httpcache expects.
func (o *Origin) Received(resp *http.Response, sent time.Time) *httpcache.Response {
	head := &httpcache.Response{
		Status: resp.StatusCode, Header: httpcache.EndToEnd(resp.Header),
		RequestTime: sent, ResponseTime: o.Now(),
	}
	head.Header["Via"] = o.Via(head.Header["Via"], resp.Proto)
	// RFC 9110 section 6.6.1: a recipient with a clock adds it
	if head.Undated = head.Header["Date"] == nil; head.Undated {
		head.Header.Set("Date", head.ResponseTime.UTC().Format(http.TimeFormat))
	}
	return head
}

// Describe sets the fields, times, variant and groups of rec from the head of a response and from
// the fields of the request that it answers.
func (o *Origin) Describe(rec *store.Record, request http.Header, head *httpcache.Response) {
	rec.SetFields(head.Header)
	rec.Undated = head.Undated
	rec.SetTimes(head.RequestTime, head.ResponseTime)
	rec.Vary = o.selectedBy(head.Header)
	rec.Variant = httpcache.Selecting(rec.Vary, request)
	rec.SetSelecting(selectingFields(rec.Vary, request))
	rec.Groups = httpcache.Groups(head.Header, o.Site.GroupFields)
}

// selectedBy returns the names of the fields that select a response with that header, sorted: those
// in its Vary, but those that can't select anything, and those that are in the key of each
// resource.
func (o *Origin) selectedBy(h http.Header) []string {
	names, _ := httpcache.VaryNames(h)
	names = slices.DeleteFunc(names, func(name string) bool {
		return o.steers(name) || trace.Field(name)
	})
	if len(o.Site.KeyFields) > 0 {
		names = append(names, o.Site.KeyFields...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	return names
}

// selectingFields returns the request's fields that a later request for a part has to repeat so
// that the origin selects the same representation.
func selectingFields(vary []string, request http.Header) http.Header {
	h := http.Header{}
	for _, name := range append([]string{"Accept-Encoding"}, vary...) {
		if values, ok := request[name]; ok {
			h[name] = values
		}
	}
	return h
}

// strongValidator returns the entity tag or date in h that is a strong validator, or "". A version
// is derived from it, and If-Range has it.
func strongValidator(h http.Header) string {
	return cmp.Or(httpcache.StrongETag(h), httpcache.StrongLastModified(h))
}

// Rangeable reports whether the response says that the origin serves ranges, and has a strong
// validator, so that parts of two versions can't be joined.
func Rangeable(head *httpcache.Response) bool {
	return head.Status == http.StatusOK && strongValidator(head.Header) != "" &&
		httpcache.Settled(head.Header) &&
		strings.Contains(acceptRanges(head.Header), "bytes")
}

// acceptRanges returns what the origin says of ranges that it serves (RFC 9110 section 14.3).
func acceptRanges(h http.Header) string {
	return strings.ToLower(strings.Join(h["Accept-Ranges"], ","))
}
