package serve

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// head returns rec's head.
func (s *Server) head(rec *store.Record) *head { return s.heads.of(rec, s.Site) }

// preconditioned is the header of rec that a request's preconditions are about. It isn't unpacked for
// requests that have none.
func (s *Server) preconditioned(q *decide.Request, rec *store.Record) http.Header {
	if h := s.head(rec); h.header.Load() != nil || httpcache.Conditional(q.Header) {
		return h.stored()
	}
	return nil
}

// putFields sets the fields of d's record, and what the log says.
func (t *response) putFields(d *decide.Decision) {
	h, head := t.w.Header(), t.s.head(d.Record)
	head.put(h, d.Use.Age)
	h["Cache-Status"] = statusField(d, head)
	t.count(d.Outcome)
	t.entry.Version, t.entry.Age, t.entry.HasAge = d.Record.Version, d.Use.Age, true
	switch t.entry.Peer = d.Peer; {
	case d.Peer != "":
		t.entry.Source = "peer"
	case d.Outcome == decide.OutcomeMiss || d.Action == decide.Relay:
		t.entry.Source = "origin"
	default:
		t.entry.Source = "memory"
	}
}

// statusField is the Cache-Status field of d, whose record has that head.
func statusField(d *decide.Decision, head *head) []string {
	switch {
	case d.Outcome != decide.OutcomeHit:
	case d.Peer == "":
		return head.at(d.Use.Age).status
	default:
		d.Status = decide.CacheStatus{Hit: true, TTL: d.TTL(), HasTTL: true}
	}
	if d.Peer != "" && d.Status.Detail == "" {
		d.Status.Detail = "peer"
	}
	return head.status(d.Status)
}

// empty sends a response without content.
func (t *response) empty(d *decide.Decision, status int) {
	t.putFields(d)
	h := t.w.Header()
	switch status {
	case http.StatusNotModified:
		notModified(h)
	case http.StatusPreconditionFailed:
		delete(h, "Content-Type")
		h.Set("Content-Length", "0")
	default:
		setLength(h, t.s.head(d.Record).length)
	}
	t.w.WriteHeader(status)
}

// notModified leaves out what a 304 doesn't say (RFC 9110 section 15.4.5).
func notModified(h http.Header) {
	delete(h, "Content-Type")
	delete(h, "Content-Encoding")
	if _, ok := h["Etag"]; ok {
		delete(h, "Last-Modified")
	}
}

func setLength(h http.Header, length []string) {
	if length != nil {
		h["Content-Length"] = length
	}
}
