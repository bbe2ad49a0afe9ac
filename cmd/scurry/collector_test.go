package main

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// collector is a receiver of OTLP, by HTTP and by gRPC.
type collector struct {
	collect.UnimplementedTraceServiceServer
	http, grpc string // its endpoints

	mu     sync.Mutex // guards the following
	spans  []*span
	header http.Header // of the last request by HTTP
}

// span is a span that a node has exported, with its attributes and those of its node as text.
type span struct {
	*otlp.Span
	id, parent, trace string
	has, node         map[string]string
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	s := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(s.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	collect.RegisterTraceServiceServer(g, c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Serve(l)
	}()
	t.Cleanup(func() { g.Stop(); <-done })
	c.http, c.grpc = s.URL, "http://"+l.Addr().String()
	return c
}

// take takes spans by HTTP.
func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	b, err := io.ReadAll(body)
	q := &collect.ExportTraceServiceRequest{}
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(b, q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.header = r.Header
	c.mu.Unlock()
	c.Export(r.Context(), q)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Export takes spans.
func (c *collector) Export(_ context.Context,
	q *collect.ExportTraceServiceRequest) (*collect.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range q.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, &span{
					Span: s, id: hex.EncodeToString(s.SpanId),
					parent: hex.EncodeToString(s.ParentSpanId),
					trace:  hex.EncodeToString(s.TraceId), has: texts(s.Attributes),
					node: texts(r.Resource.Attributes),
				})
			}
		}
	}
	return &collect.ExportTraceServiceResponse{}, nil
}

func texts(list []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[a.Key] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_BoolValue:
			m[a.Key] = fmt.Sprint(v.BoolValue)
		}
	}
	return m
}

// of returns the spans of a trace so far, in the order of their begins.
func (c *collector) of(trace string) (spans []*span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.trace == trace {
			spans = append(spans, s)
		}
	}
	slices.SortStableFunc(spans, func(a, b *span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	return spans
}

// count is how many spans there are.
func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans)
}

// linked returns the spans that are linked to s.
func (c *collector) linked(s *span) (spans []*span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range c.spans {
		for _, l := range other.Links {
			if hex.EncodeToString(l.SpanId) == s.id {
				spans = append(spans, other)
			}
		}
	}
	return spans
}

// await returns the spans of a trace once they are as many as names, and holds their names against
// these.
func (c *collector) await(t *testing.T, trace string, names ...string) []*span {
	t.Helper()
	eventually(func() bool { return len(c.of(trace)) >= len(names) })
	spans := c.of(trace)
	var got []string
	for _, s := range spans {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, names) {
		t.Fatalf("the trace %s has the spans %q, not %q", trace, got, names)
	}
	return spans
}

// want fails unless s has these attributes: names and values.
func (s *span) want(t *testing.T, attributes ...string) {
	t.Helper()
	for i := 0; i < len(attributes); i += 2 {
		if s.has[attributes[i]] != attributes[i+1] {
			t.Errorf("the span %s has the %s %q, not %q", s.Name, attributes[i],
				s.has[attributes[i]], attributes[i+1])
		}
	}
}

// chain fails unless each span is below the one before.
func chain(t *testing.T, spans ...*span) {
	t.Helper()
	for i, s := range spans[1:] {
		if s.parent != spans[i].id {
			t.Errorf("the span %s isn't below %s", s.Name, spans[i].Name)
		}
	}
}

// carried is the traceparent that goes on s.
func (s *span) carried() string { return "00-" + s.trace + "-" + s.id + "-01" }

// inTrace asks for a URL in a new trace, whose number is n, and returns the trace's id, and the
// status of the answer.
func inTrace(t *testing.T, client *http.Client, n uint64, url string,
	fields ...string) (trace string, status int) {
	t.Helper()
	trace = fmt.Sprintf("%016x%016x", n, n)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-"+trace+"-1111111111111111-01")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return trace, resp.StatusCode
}
