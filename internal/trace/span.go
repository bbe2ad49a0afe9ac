package trace

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Span is work that is traced. Its methods may be called concurrently.
type Span struct {
	t        *Tracer // nil if it is another node's
	api      trace.Span
	recorded bool
	ended    atomic.Bool
	children atomic.Int32
}

// mostChildren bounds the children of a Span that are recorded. A large file comes from another
// node in thousands of requests, which would push other requests' spans out of a bounded queue.
const mostChildren = 100

// Recorded reports whether what is told of s goes anywhere.
func (s *Span) Recorded() bool { return s != nil && s.recorded }

// Log adds the ids of the trace and of s to a line, if s is sampled.
func (s *Span) Log(e *zerolog.Event) {
	if s == nil || !s.api.SpanContext().IsSampled() {
		return
	}
	c := s.api.SpanContext()
	e.Stringer("trace_id", c.TraceID()).Stringer("span_id", c.SpanID())
}

// Inside begins work of this node that is a part of s. It must be ended, as with Call.
func (s *Span) Inside(name string) *Span { return s.child(name, internal) }

// Call begins a request to another server that is made for s.
func (s *Span) Call(name string) *Span { return s.child(name, client) }

// child is s itself if that isn't recorded.
func (s *Span) child(name string, kind trace.SpanStartOption) *Span {
	switch {
	case !s.Recorded():
		return s
	case s.children.Add(1) > mostChildren:
		return &Span{t: s.t, api: s.api}
	}
	return s.start(name, kind)
}

func (s *Span) start(name string, kind trace.SpanStartOption) *Span {
	_, span := s.t.api.Start(s.In(context.Background()), name, kind)
	return s.t.span(span)
}

// Detach begins work that s has caused and doesn't wait for. It has a trace of its own, which is
// linked to s.
func (s *Span) Detach(name string) *Span {
	if s == nil || s.t == nil {
		return nil
	}
	_, span := s.t.api.Start(context.Background(), name, trace.WithNewRoot(),
		trace.WithLinks(trace.Link{SpanContext: s.api.SpanContext()}))
	return s.t.span(span)
}

// In is ctx with s as what goes on.
func (s *Span) In(ctx context.Context) context.Context {
	if s == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, s.api)
}

// Inject puts s into the header of a request, in place of the trace that is there.
func (s *Span) Inject(h http.Header) {
	if s == nil || s.t == nil || !s.api.SpanContext().IsValid() {
		return
	}
	for _, name := range s.t.names {
		delete(h, name)
	}
	s.t.carried.Inject(s.In(context.Background()), carrier(h))
}

// Link notes that s shares what is done for other.
func (s *Span) Link(other *Span) {
	if s.Recorded() && other != nil && other != s {
		s.api.AddLink(trace.Link{SpanContext: other.api.SpanContext()})
	}
}

// Set adds attributes.
func (s *Span) Set(a Attributes) {
	if s.Recorded() {
		s.api.SetAttributes(a...)
	}
}

// Fail notes that s has failed: in which of a few ways, and the error for operators, if there is
// one.
func (s *Span) Fail(kind string, err error) {
	if !s.Recorded() {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.api.SetStatus(codes.Error, text)
	s.Set(Attributes{}.Text("error.type", kind))
}

// FailStatus notes that s has failed, as the status of the response says or, if that is below 400,
// the error alone.
func (s *Span) FailStatus(status int, err error) {
	kind := "_OTHER"
	if status >= 400 {
		kind = strconv.Itoa(status)
	}
	s.Fail(kind, err)
}

// End ends s, if it hasn't ended. Later calls do nothing, and nothing may be told of s any more.
func (s *Span) End() {
	if s.Recorded() && !s.ended.Swap(true) {
		s.api.End()
	}
}
