// Package trace makes the spans of a node, by OpenTelemetry's API.
//
//	client ─► Begin ─► Span ─► Inside, Call: a child ─► End ─► the provider
//	                     │       ├─► Text ─► another node: Remote ─► Serve ─► Span
//	                     │       └─► Inject ─► the origin
//	                     └─► Detach: what goes on after the request
//
// A nil Tracer makes no Spans. A nil Span stands for work that isn't traced. The methods of both
// may be called all the same, and do nothing, so that callers needn't ask whether tracing is on.
//
// The node that a client's request comes in at decides whether it is recorded, by the provider's
// sampler. A Span that isn't recorded has no children. It still carries its trace to other nodes
// and to the origin.
package trace

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Tracer begins the spans of a node. Its methods may be called concurrently.
type Tracer struct {
	api     trace.Tracer
	carried propagation.TextMapPropagator
	names   []string // of the fields that carry a trace
	starts  bool     // all traces, since the fields of clients aren't taken
}

// New makes a Tracer; nil if p is. Traces come in and go out in the fields of carried, or in those
// of W3C Trace Context if that is nil. If dropped has one of them, clients' traces aren't gone on.
func New(p trace.TracerProvider, carried propagation.TextMapPropagator, dropped []string) *Tracer {
	if p == nil {
		return nil
	}
	if carried == nil {
		carried = propagation.TraceContext{}
	}
	t := &Tracer{api: p.Tracer("github.com/scurrycache/scurry/proxy"), carried: carried}
	for _, name := range carried.Fields() {
		name = http.CanonicalHeaderKey(name)
		t.names = append(t.names, name)
		t.starts = t.starts || slices.Contains(dropped, name)
	}
	return t
}

// Field reports whether the field with that canonical name belongs to W3C Trace Context. Its value
// is another one in each request, so it can't select a response.
func Field(name string) bool { return name == "Traceparent" || name == "Tracestate" }

// Request is a client's request whose span begins.
type Request struct {
	Method, URI string // as in the request line
	TLS         bool
	Header      http.Header
	Ago         time.Duration // how long ago it came
}

// Begin begins the span of a client's request. The request goes on the trace in ctx, if there is
// one, or that in its fields.
func (t *Tracer) Begin(ctx context.Context, r *Request) *Span {
	if t == nil {
		return nil
	}
	return t.span(t.begin(ctx, r))
}

// Past is Begin for a request that has been answered. It returns nil if that isn't recorded.
func (t *Tracer) Past(r *Request) *Span {
	if api := t.begin(context.Background(), r); api.IsRecording() {
		return t.span(api)
	}
	return nil
}

func (t *Tracer) begin(ctx context.Context, r *Request) trace.Span {
	if !trace.SpanContextFromContext(ctx).IsValid() && t.carries(r.Header) {
		ctx = t.carried.Extract(ctx, carrier(r.Header))
	}
	b := beginnings.Get().(*beginning)
	defer b.free()
	name := b.describe(r)
	_, span := t.api.Start(ctx, name, b.options...)
	return span
}

// carries reports whether h may carry a trace that is gone on.
func (t *Tracer) carries(h http.Header) bool {
	return !t.starts && slices.ContainsFunc(t.names, func(name string) bool {
		return len(h[name]) > 0
	})
}

// Serve begins the span of another node's request, whose own span is from.
func (t *Tracer) Serve(name string, from *Span) *Span {
	if t == nil || from == nil {
		return nil
	}
	s := t.span(from.api)
	if from.api.SpanContext().IsSampled() {
		s = s.start(name, server)
	}
	return s
}

func (t *Tracer) span(api trace.Span) *Span {
	return &Span{t: t, api: api, recorded: api.IsRecording()}
}

// carrier is a header as propagators see it. Fields with several values are one list (RFC 9110
// section 5.3), which a traceparent may not be.
type carrier http.Header

func (c carrier) Get(key string) string {
	return strings.Join(c[http.CanonicalHeaderKey(key)], ",")
}

func (c carrier) Set(key, value string) { c[http.CanonicalHeaderKey(key)] = []string{value} }

func (c carrier) Keys() (names []string) {
	for name := range c {
		names = append(names, name)
	}
	return names
}
