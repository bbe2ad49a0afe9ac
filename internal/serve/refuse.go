package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/store"
)

// retryAfter is how many seconds a client should wait where this cache had no room for its request.
const retryAfter = "5"

// refuse answers as d says, without a word of what went wrong inside.
func (t *response) refuse(d *decide.Decision) {
	h := t.w.Header()
	t.entry.Cache = d.Outcome.String()
	switch d.Why {
	case decide.WhyLooped:
		t.entry.Err = errLoop
		h.Set("Proxy-Status", decide.Name+"; error=proxy_loop_detected")
		h.Set("Cache-Control", "no-store")
	case decide.WhyReadOnly:
		t.s.readOnly.Add(1)
		t.entry.Note = "limit: read-only"
		h.Set("Allow", "GET, HEAD, OPTIONS")
	case decide.WhyMethod:
		h.Set("Allow", "GET, HEAD")
	case decide.WhyMaxForwards:
		t.entry.Source = "origin"
		h.Set("Cache-Status", decide.Name+"; detail=max-forwards")
		h.Set("Allow", "GET, HEAD, OPTIONS")
		h.Set("Content-Length", "0")
		t.w.WriteHeader(d.Code)
		return
	case decide.WhyOnlyIfCached:
		h.Set("Cache-Status", d.Status.String())
	case decide.WhyFailed:
		t.refuseFailed(d)
	}
	Refuse(t.w, d.Code)
}

// refuseFailed sets the fields of the answer to a request that the origin couldn't answer.
func (t *response) refuseFailed(d *decide.Decision) {
	t.s.failures.Add(1)
	switch {
	case t.Noted():
		t.entry.Cache = decide.OutcomeMiss.String()
	case !decide.Ours(d.Failure): // it was another client's request that failed
		t.entry.Cache, d.Status.Collapsed = decide.OutcomeCollapsed.String(), true
	}
	h := t.w.Header()
	clear(h)
	h.Set("Cache-Status", d.Status.String())
	h.Set("Proxy-Status", decide.Name+"; error="+d.Failure.Kind)
	h.Set("Cache-Control", "no-store")
	if decide.Ours(d.Failure) {
		h.Set("Retry-After", retryAfter) // RFC 9110 section 15.6.4
	}
}

// fail answers a request that couldn't be answered because of err.
func (t *response) fail(err error, status decide.CacheStatus) {
	d := decide.Unanswered(t.failure(err), status)
	t.refuse(&d)
}

// failure is err as the origin's failure, or ours. The origin's is logged with its request.
func (t *response) failure(err error) *store.Failure {
	f, isFailure := errors.AsType[*store.Failure](err)
	switch {
	case isFailure && !decide.Ours(f):
		return f
	case isFailure:
	case errors.Is(err, context.Canceled):
		f = &store.Failure{Status: http.StatusServiceUnavailable, Kind: "proxy_internal_error",
			Err: err}
	default:
		f = fetch.FailureOf(err)
	}
	t.entry.Err = err
	return f
}

// refuseRange answers a request for what lies outside of the content (RFC 9110 section 15.5.17).
func (t *response) refuseRange(d *decide.Decision) error {
	t.count(d.Outcome)
	h := t.w.Header()
	h.Set("Content-Range", "bytes */"+strconv.FormatInt(d.Record.Length, 10))
	h["Cache-Status"] = statusField(d, t.s.head(d.Record))
	Refuse(t.w, http.StatusRequestedRangeNotSatisfiable)
	return nil
}

// Refuse answers with a status of our own and its standard text.
func Refuse(w http.ResponseWriter, status int) {
	h := w.Header()
	text := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if _, ok := h["Cache-Status"]; !ok {
		h.Set("Cache-Status", decide.Name+"; detail="+
			strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "-"))
	}
	if _, ok := h["Proxy-Status"]; !ok {
		switch { // RFC 9209 section 2.3
		case status == http.StatusRequestedRangeNotSatisfiable: // the origin would say the same
		case status >= 500:
			h.Set("Proxy-Status", decide.Name+"; error=proxy_internal_response")
		case status >= 400:
			h.Set("Proxy-Status", decide.Name+"; error=http_request_error")
		}
	}
	w.WriteHeader(status)
	// net/http drops the content of a HEAD; a client that has gone needs none.
	_, _ = w.Write([]byte(text))
}

// errLoop is for the log: it says what an operator may look at.
var errLoop = errors.New("loop: this request has been through this cluster before; does the " +
	"origin's URL, or a redirect or proxy behind it, lead back to a node?")
