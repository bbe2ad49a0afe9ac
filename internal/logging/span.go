package logging

import (
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/trace"
)

// begin begins the Span of l, whose request has ended.
func (l *Line) begin(t *trace.Tracer, header http.Header) {
	l.Span = t.Past(&trace.Request{
		Method: l.Method, URI: strings.Clone(l.URI), Header: header, Ago: l.Took,
	})
}

// endSpan ends l's Span with what l tells.
func (l *Line) endSpan() {
	s := l.Span
	if !s.Recorded() {
		return
	}
	client := l.Client
	if client == "" {
		client = l.Remote
	}
	a := make(trace.Attributes, 0, 20).
		Int(trace.Status, int64(l.Status)).Int(trace.Size, l.Bytes).
		Address("server", l.Host).Address("network.peer", l.Remote).
		Address("client", client).Protocol(l.Proto).Text("user_agent.original", l.UserAgent).
		Text(trace.Outcome, l.Cache).Text(trace.Source, l.Source).
		Text(trace.Owner, l.Owner).Text(trace.Peer, l.Peer).
		Text("scurry.note", l.Note).Flag("scurry.aborted", l.Aborted)
	s.Set(a)
	if l.Status >= 500 || l.Err != nil {
		s.FailStatus(l.Status, l.Err)
	}
	s.End()
}
