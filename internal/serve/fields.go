package serve

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
)

// putFields sets the fields of d's record for a response with that status, and what the log says.
func (t *response) putFields(d *decide.Decision, status int) {
	h, head := t.w.Header(), t.s.head(d.Record)
	head.put(h, status, d.Use.Age)
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

// writeHead writes the head of a response with that status, whose content, if any, is all of d's
// record.
func (t *response) writeHead(d *decide.Decision, status int) {
	h, length := t.w.Header(), t.s.head(d.Record).length
	switch {
	case status == d.Record.Status:
		if length != nil {
			h["Content-Length"] = length
		}
	case status == http.StatusPreconditionFailed:
		delete(h, "Content-Type")
		h["Content-Length"] = []string{"0"}
	}
	t.w.WriteHeader(status)
}
