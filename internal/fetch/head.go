package fetch

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Received is the head of a response, to a request that was sent at that time, as the rules of
// caching want it.
func (o *Origin) Received(resp *http.Response, sent time.Time) *httpcache.Response {
	head := &httpcache.Response{
		Status: resp.StatusCode, Header: httpcache.EndToEnd(resp.Header),
		RequestTime: sent, ResponseTime: o.Now(),
	}
	head.Header["Via"] = o.Via(head.Header["Via"], resp.Proto)
	// RFC 9110 section 6.6.1: a recipient with a clock adds it
	if _, ok := head.Header["Date"]; !ok {
		head.Undated = true
		head.Header.Set("Date", head.ResponseTime.UTC().Format(http.TimeFormat))
	}
	return head
}

// Describe sets what rec says of a response with that head, and of the request with those fields
// that it answers.
func (o *Origin) Describe(rec *store.Record, request http.Header, head *httpcache.Response) {
	rec.SetFields(head.Header)
	rec.Undated = head.Undated
	rec.SetTimes(head.RequestTime, head.ResponseTime)
	rec.Vary, _ = httpcache.VaryNames(head.Header)
	rec.Vary = slices.DeleteFunc(rec.Vary, steers)
	rec.Variant = httpcache.Selecting(rec.Vary, request)
	rec.SetSelecting(selectingFields(rec.Vary, request))
	rec.Groups = httpcache.Groups(head.Header, o.Site.GroupFields)
}

// selectingFields are the request's fields that a later request for a part has to repeat, to be
// answered from the same representation.
func selectingFields(vary []string, request http.Header) http.Header {
	h := http.Header{}
	for _, name := range append([]string{"Accept-Encoding"}, vary...) {
		if values, ok := request[name]; ok {
			h[name] = values
		}
	}
	return h
}

// strongValidator returns what the version derives from, and the value of the If-Range that names
// it. Both are empty if h has no strong validator.
func strongValidator(h http.Header) (validator, condition string) {
	if tag := httpcache.StrongETag(h); tag != "" {
		return "etag " + tag, tag
	}
	if date := httpcache.StrongLastModified(h); date != "" {
		return "modified " + date, date
	}
	return "", ""
}

// Rangeable reports whether the origin says that it gives any part of a content, under a validator
// that forbids mixing.
func Rangeable(head *httpcache.Response) bool {
	_, condition := strongValidator(head.Header)
	return head.Status == http.StatusOK && condition != "" && httpcache.Settled(head.Header) &&
		strings.Contains(strings.ToLower(strings.Join(head.Header["Accept-Ranges"], ",")), "bytes")
}
