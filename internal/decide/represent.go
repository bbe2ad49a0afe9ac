package decide

import (
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Representation says how a record answers a request: which status the client gets, and which
// bytes of the content (RFC 9110 sections 13 and 14).
type Representation struct {
	Status  int
	Empty   bool              // no content is sent
	Parts   []httpcache.Range // of the content that are sent; nil for all
	Ignored bool              // the Range field is malformed, or asks for no less than the whole
}

// Represent decides how rec, which has those fields, answers a request. A status of 0 means that it
// holds nothing of what is asked for.
func Represent(q *Request, rec *store.Record, stored http.Header) Representation {
	partial := rec.Part != store.Part{}
	whole := Representation{Status: rec.Status, Empty: q.Head() ||
		!httpcache.HasContent(rec.Status)}
	// preconditions are about a success: RFC 9110 section 13.2.1
	if !partial && (q.Bare || rec.Status != http.StatusOK) {
		return whole
	}
	outcome, ranges := httpcache.Preconditions(q.Method, q.Header, stored)
	switch {
	case outcome == httpcache.NotModified:
		return Representation{Status: http.StatusNotModified, Empty: true}
	case outcome == httpcache.PreconditionFailed:
		return Representation{Status: http.StatusPreconditionFailed, Empty: true}
	case partial:
		return representPart(q, rec)
	case whole.Empty || !ranges || rec.Length < 0 || q.Header.Get("Range") == "":
		return whole
	}
	parts, err := httpcache.ParseRange(q.Header.Get("Range"), rec.Length)
	switch {
	case errors.Is(err, httpcache.ErrUnsatisfiable), errors.Is(err, httpcache.ErrTooMany):
		return Representation{Status: http.StatusRequestedRangeNotSatisfiable}
	case err != nil, len(parts) == 0, httpcache.TotalLength(parts) > rec.Length:
		whole.Ignored = true
		return whole
	}
	return Representation{Status: http.StatusPartialContent, Parts: parts}
}

// representPart is represent for a record that holds a part of a content, and answers requests for
// ranges within.
func representPart(q *Request, rec *store.Record) Representation {
	if span, ok := httpcache.Part(rec.Part).Of(q.Header); ok {
		return Representation{Status: http.StatusPartialContent, Parts: []httpcache.Range{span}}
	}
	return Representation{} // it has been selected because it holds what is asked for
}
