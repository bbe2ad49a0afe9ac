package trace

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// idBytes is how long a trace's id, a span's id and the flags are together.
const idBytes = len(trace.TraceID{}) + len(trace.SpanID{}) + 1

// Text is s as another node's Remote reads it: "" if s is nil, or in no trace, as with a provider
// that does nothing.
func (s *Span) Text() string {
	if s == nil || !s.api.SpanContext().IsValid() {
		return ""
	}
	c := s.api.SpanContext()
	id, span := c.TraceID(), c.SpanID()
	b := make([]byte, 0, idBytes+8)
	b = append(append(b, id[:]...), span[:]...)
	b = append(b, byte(c.TraceFlags()))
	return string(append(b, c.TraceState().String()...))
}

// Remote is another node's Span, of which Text is known; ok is false if that isn't one.
func Remote(text string) (s *Span, ok bool) {
	if text == "" {
		return nil, true
	}
	if len(text) < idBytes {
		return nil, false
	}
	var c trace.SpanContextConfig
	n := copy(c.TraceID[:], text)
	n += copy(c.SpanID[:], text[n:])
	c.TraceFlags, c.Remote = trace.TraceFlags(text[n]), true
	state, err := trace.ParseTraceState(text[n+1:])
	c.TraceState = state
	made := trace.NewSpanContext(c)
	if err != nil || !made.IsValid() {
		return nil, false
	}
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), made)
	return &Span{api: trace.SpanFromContext(ctx)}, true
}
