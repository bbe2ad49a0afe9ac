package proxy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/store"
)

// retryAfter is how many seconds a client should wait where this cache had no room for its request.
const retryAfter = "5"

// ours reports whether f says that this cache has no room, and nothing of the origin. Then no
// request to the origin is logged with it.
func ours(f *store.Failure) bool { return f.Status == http.StatusServiceUnavailable }

// refuse answers as d says, without a word of what went wrong inside.
func (t *response) refuse(d *decision) {
	h := t.w.Header()
	t.entry.Cache = d.outcome.String()
	switch d.why {
	case whyLooped:
		t.entry.Err = errLoop
		h.Set("Proxy-Status", name+"; error=proxy_loop_detected")
		h.Set("Cache-Control", "no-store")
	case whyMethod:
		h.Set("Allow", "GET, HEAD")
	case whyMaxForwards:
		t.entry.Source = "origin"
		h.Set("Cache-Status", name+"; detail=max-forwards")
		h.Set("Allow", "GET, HEAD, OPTIONS")
		h.Set("Content-Length", "0")
		t.w.WriteHeader(d.code)
		return
	case whyOnlyIfCached:
		h.Set("Cache-Status", d.status.String())
	case whyFailed:
		t.refuseFailed(d)
	}
	refuse(t.w, d.code)
}

// refuseFailed sets the fields of the answer to a request that the origin couldn't answer.
func (t *response) refuseFailed(d *decision) {
	t.p.stats.failures.Add(1)
	switch {
	case t.originAsked():
		t.entry.Cache = outcomeMiss.String()
	case !ours(d.failure): // it was another client's request that failed
		t.entry.Cache, d.status.collapsed = outcomeCollapsed.String(), true
	}
	h := t.w.Header()
	clear(h)
	h.Set("Cache-Status", d.status.String())
	h.Set("Proxy-Status", name+"; error="+d.failure.Kind)
	h.Set("Cache-Control", "no-store")
	if ours(d.failure) {
		h.Set("Retry-After", retryAfter) // RFC 9110 section 15.6.4
	}
}

// fail answers a request that couldn't be answered because of err.
func (t *response) fail(err error, status cacheStatus) error {
	d := unanswered(t.failure(err), status)
	return t.carryOut(&d)
}

// failure is err as the origin's failure, or ours. The origin's is logged with its request.
func (t *response) failure(err error) *store.Failure {
	f, isFailure := errors.AsType[*store.Failure](err)
	switch {
	case isFailure && !ours(f):
		return f
	case isFailure:
	case errors.Is(err, context.Canceled):
		f = &store.Failure{Status: http.StatusServiceUnavailable, Kind: "proxy_internal_error", Err: err}
	default:
		f = failed(err).(*store.Failure)
	}
	t.entry.Err = err
	return f
}

// refuseRange answers a request for what lies outside of the content (RFC 9110 section 15.5.17).
func (t *response) refuseRange(d *decision) error {
	t.count(d.outcome)
	h := t.w.Header()
	h.Set("Content-Range", "bytes */"+strconv.FormatInt(d.rec.Length, 10))
	h["Cache-Status"] = d.cacheStatus(t.p.head(d.rec))
	refuse(t.w, http.StatusRequestedRangeNotSatisfiable)
	return nil
}

// refuse answers with a status of our own and its standard text.
func refuse(w http.ResponseWriter, status int) {
	h := w.Header()
	text := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if _, ok := h["Cache-Status"]; !ok {
		h.Set("Cache-Status", name+"; detail="+token(http.StatusText(status)))
	}
	if _, ok := h["Proxy-Status"]; !ok {
		switch { // RFC 9209 section 2.3
		case status == http.StatusRequestedRangeNotSatisfiable: // the origin would say the same
		case status >= 500:
			h.Set("Proxy-Status", name+"; error=proxy_internal_response")
		case status >= 400:
			h.Set("Proxy-Status", name+"; error=http_request_error")
		}
	}
	w.WriteHeader(status)
	// net/http drops the content of a HEAD; a client that has gone needs none.
	_, _ = w.Write([]byte(text))
}

// token makes a structured field's token of words.
func token(words string) string { return strings.ReplaceAll(strings.ToLower(words), " ", "-") }
