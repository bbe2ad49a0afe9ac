package trace

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// The kinds of spans, as options.
var (
	server   = trace.WithSpanKind(trace.SpanKindServer)
	client   = trace.WithSpanKind(trace.SpanKindClient)
	internal = trace.WithSpanKind(trace.SpanKindInternal)
)

// beginning is what the span of a client's request begins with. It is used again, since most spans
// aren't recorded: what a provider keeps of its options are copies.
type beginning struct {
	options []trace.SpanStartOption
	usual   [3]attribute.KeyValue // method, path and scheme; the second option has them
}

var beginnings = sync.Pool{New: func() any {
	b := new(beginning)
	b.options = append(make([]trace.SpanStartOption, 0, 5), server,
		trace.WithAttributes(b.usual[:]...))
	return b
}}

// free gives b back without what it has of a request.
func (b *beginning) free() {
	clear(b.usual[:])
	clear(b.options[2:])
	b.options = b.options[:2]
	beginnings.Put(b)
}

// describe makes b that of r, with what a sampler may go by, and returns the span's name.
func (b *beginning) describe(r *Request) (name string) {
	path, query := target(r.URI)
	b.usual[1], b.usual[2] = attribute.String("url.path", path), plainHTTP
	if r.TLS {
		b.usual[2] = secureHTTP
	}
	if query != "" {
		b.add(trace.WithAttributes(attribute.String("url.query", redacted(query))))
	}
	if r.Ago > 0 {
		b.add(trace.WithTimestamp(time.Now().Add(-r.Ago)))
	}
	if known(r.Method) {
		b.usual[0] = attribute.String(Method, r.Method)
		return r.Method
	}
	b.usual[0] = attribute.String(Method, "_OTHER")
	b.add(trace.WithAttributes(attribute.String("http.request.method_original", r.Method)))
	return "HTTP"
}

func (b *beginning) add(o trace.SpanStartOption) { b.options = append(b.options, o) }

// The schemes of requests.
var (
	plainHTTP  = attribute.String("url.scheme", "http")
	secureHTTP = attribute.String("url.scheme", "https")
)
