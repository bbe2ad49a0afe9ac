package proxy

import (
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// representation says how a record answers a request: which status the client gets, and what of the
// content (RFC 9110 sections 13 and 14).
type representation struct {
	status  int
	empty   bool              // no content is sent
	parts   []httpcache.Range // of the content that are sent; nil for all
	ignored bool              // the Range field is malformed, or asks for no less than the whole
}

// represent decides how rec, which has those fields, answers a request.
func represent(q *request, rec *store.Record, stored http.Header) representation {
	partial := rec.Part != store.Part{}
	whole := representation{status: rec.Status, empty: q.head() || !hasContent(rec.Status)}
	if rec.Status != http.StatusOK && !partial { // preconditions are about a success: RFC 9110 section 13.2.1
		return whole
	}
	outcome, ranges := httpcache.Preconditions(q.method, q.header, stored)
	switch {
	case outcome == httpcache.NotModified:
		return representation{status: http.StatusNotModified, empty: true}
	case outcome == httpcache.PreconditionFailed:
		return representation{status: http.StatusPreconditionFailed, empty: true}
	case partial:
		return representPart(q, rec)
	case whole.empty || !ranges || rec.Length < 0 || q.header.Get("Range") == "":
		return whole
	}
	parts, err := httpcache.ParseRange(q.header.Get("Range"), rec.Length)
	switch {
	case errors.Is(err, httpcache.ErrUnsatisfiable), errors.Is(err, httpcache.ErrTooMany):
		return representation{status: http.StatusRequestedRangeNotSatisfiable}
	case err != nil, len(parts) == 0, httpcache.TotalLength(parts) > rec.Length:
		whole.ignored = true
		return whole
	}
	return representation{status: http.StatusPartialContent, parts: parts}
}

// representPart is represent for a record that holds a part of a content, and answers requests for
// ranges within.
func representPart(q *request, rec *store.Record) representation {
	if span, ok := httpcache.Part(rec.Part).Of(q.header); ok {
		return representation{status: http.StatusPartialContent, parts: []httpcache.Range{span}}
	}
	return representation{} // it has been selected because it holds what is asked for
}
