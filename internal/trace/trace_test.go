package trace

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
)

// TestNothingIsTraced: a Tracer and a Span that are nil do nothing, and cost nothing.
func TestNothingIsTraced(t *testing.T) {
	tracer := New(nil, nil, nil)
	if n := testing.AllocsPerRun(100, func() {
		s := tracer.Begin(context.Background(), &Request{Method: "GET", URI: "/"})
		child := s.Call("x")
		child.Link(s)
		child.Set(nil)
		child.Fail("x", errors.ErrUnsupported)
		child.End()
		s.Inside("x").End()
		s.Inject(nil)
		served := tracer.Serve("x", s)
		if s != nil || child != nil || served != nil || s.Detach("x") != nil || s.Text() != "" ||
			s.Recorded() ||
			s.In(context.Background()) != context.Background() {
			t.Error("there is a span")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if s, ok := Remote(""); s != nil || !ok {
		t.Error("no span is sent as one")
	}
}

// TestNoProvider: with a provider that does nothing, traces are passed on as they come.
func TestNoProvider(t *testing.T) {
	tracer := New(noop.NewTracerProvider(), nil, nil)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, h := range []http.Header{{}, {"Traceparent": {"x"}}, {"Traceparent": {parent}}} {
		s := tracer.Begin(context.Background(), &Request{Method: "GET", URI: "/", Header: h})
		there, ok := Remote(s.Text())
		out := h.Clone()
		s.Call("x").Inject(out)
		if s.Recorded() || !ok || (there != nil) != (h.Get("Traceparent") == parent) ||
			out.Get("Traceparent") != h.Get("Traceparent") {
			t.Errorf("%v becomes %v, %v", h, there, out)
		}
		tracer.Serve("x", there).End()
	}
	if s := tracer.Past(&Request{Method: "GET", URI: "/"}); s != nil {
		t.Error(s)
	}
}

// TestRemote: a span arrives at another node as it was sent, and bytes that are none don't.
func TestRemote(t *testing.T) {
	book := tracetest.NewInMemoryExporter()
	tracer := New(sdk.NewTracerProvider(sdk.WithSyncer(book)), nil, nil)
	h := http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		"Tracestate": {"a=b", "c=d"}}
	s := tracer.Begin(context.Background(), &Request{Method: "GET", URI: "/", Header: h})
	text := s.Text()
	there, ok := Remote(text)
	if !ok || there.Text() != text || there.Recorded() {
		t.Fatalf("%q has become %q, %t", text, there.Text(), ok)
	}
	there.End() // it isn't this node's
	tracer.Serve("x", there).End()
	s.End()
	s.End()
	spans := book.GetSpans()
	if len(spans) != 2 || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() ||
		spans[0].SpanContext.TraceState().String() != "a=b,c=d" {
		t.Errorf("the spans are %v", spans)
	}
	for _, bad := range []string{
		"x", text[:idBytes-1], strings.Repeat("\x00", idBytes), text + "=", text[:16] +
			strings.Repeat("\x00", 8) + "\x01",
	} {
		if s, ok := Remote(bad); s != nil || ok {
			t.Errorf("%q is a span", bad)
		}
	}
}

func FuzzRemote(f *testing.F) {
	f.Add(strings.Repeat("\x01", idBytes) + "a=b")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := Remote(text)
		if again, _ := Remote(s.Text()); ok && again.Text() != s.Text() {
			t.Errorf("%q becomes %q", text, s.Text())
		}
	})
}

// TestMostChildren: a span has a bounded number of children, and those that are left out do no
// harm.
func TestMostChildren(t *testing.T) {
	book := tracetest.NewInMemoryExporter()
	tracer := New(sdk.NewTracerProvider(sdk.WithSyncer(book)), nil, nil)
	s := tracer.Begin(context.Background(), &Request{Method: "GET", URI: "/"})
	for range mostChildren + 5 {
		child := s.Call("x")
		child.Set(Attributes{}.Int("y", 1))
		child.End()
	}
	s.End()
	if spans := book.GetSpans(); len(spans) != mostChildren+1 ||
		len(spans[mostChildren].Attributes) != 3 {
		t.Errorf("%d spans", len(spans))
	}
}

func TestTarget(t *testing.T) {
	for uri, want := range map[string][2]string{
		"/a%20b/c?d=e?f": {"/a%20b/c", "d=e?f"}, "/": {"/", ""}, "*": {"*", ""}, "//a?b": {"//a",
			"b"},
		"http://u:p@h:1/a?b": {"/a", "b"}, "http://h": {"/", ""}, "http://h?b": {"", "b"}, "": {"",
			""},
	} {
		if path, query := target(uri); path != want[0] || query != want[1] {
			t.Errorf("%q is %q and %q", uri, path, query)
		}
	}
}

func TestSecretsAreLeftOut(t *testing.T) {
	for query, want := range map[string]string{
		"":                             "",
		"a=b&sig=x&c":                  "a=b&sig=REDACTED&c",
		"design=x":                     "design=x",
		"X-Amz-Signature=1&Signature=": "X-Amz-Signature=REDACTED&Signature=REDACTED",
	} {
		if got := redacted(query); got != want {
			t.Errorf("%q is %q", query, got)
		}
	}
	u, _ := url.Parse("https://user:secret@a.example/b?sig=secret")
	for _, a := range (Attributes{}).URL(u) {
		if strings.Contains(a.Value.String(), "secret") ||
			a.Key == "server.port" && a.Value.AsInt64() != 443 {
			t.Errorf("%s is %s", a.Key, a.Value.String())
		}
	}
}
