package proxy_test

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// The trace that clients are in.
const (
	clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan  = "00f067aa0ba902b7"
	sampled     = "Traceparent: 00-" + clientTrace + "-" + clientSpan + "-01"
	unsampled   = "Traceparent: 00-" + clientTrace + "-" + clientSpan + "-00"
)

// spanBook has the spans that have ended.
type spanBook struct {
	*tracetest.InMemoryExporter
	t testing.TB
}

// newSpans returns a TracerProvider that keeps spans, and the book that it keeps them in.
func newSpans(t testing.TB, sampler sdk.Sampler) (*sdk.TracerProvider, *spanBook) {
	book := &spanBook{tracetest.NewInMemoryExporter(), t}
	p := sdk.NewTracerProvider(sdk.WithSyncer(book), sdk.WithSampler(sampler))
	t.Cleanup(func() { p.Shutdown(t.Context()) })
	return p, book
}

// await returns the spans, by their names and in the order of their begins, once they are as many as
// names, and holds their names against these.
func (b *spanBook) await(names ...string) []tracetest.SpanStub {
	b.t.Helper()
	var spans []tracetest.SpanStub
	defer func() {
		b.t.Helper()
		var got []string
		for _, s := range spans {
			got = append(got, s.Name)
		}
		if !slices.Equal(got, names) {
			b.t.Fatalf("the spans are %q, not %q", got, names)
		}
		b.Reset()
	}()
	eventually(b.t, fmt.Sprintf("there are %d spans", len(names)), func() bool {
		spans = b.GetSpans()
		return len(spans) >= len(names)
	})
	slices.SortStableFunc(spans, func(x, y tracetest.SpanStub) int { return x.StartTime.Compare(y.StartTime) })
	return spans
}

// attributes are those of s, as text.
func attributes(s tracetest.SpanStub) map[string]string {
	m := map[string]string{}
	for _, a := range s.Attributes {
		m[string(a.Key)] = a.Value.String()
	}
	return m
}

// has fails unless s has these attributes: names and values.
func has(t testing.TB, s tracetest.SpanStub, want ...string) {
	t.Helper()
	got := attributes(s)
	for i := 0; i < len(want); i += 2 {
		if v, ok := got[want[i]]; v != want[i+1] || !ok {
			t.Errorf("the span %s has the %s %q, not %q: %v", s.Name, want[i], v, want[i+1], got)
		}
	}
}

// below fails unless child is one of parent.
func below(t testing.TB, parent, child tracetest.SpanStub) {
	t.Helper()
	if child.Parent.SpanID() != parent.SpanContext.SpanID() || child.SpanContext.TraceID() != parent.SpanContext.TraceID() {
		t.Errorf("%s isn't below %s: %v %v", child.Name, parent.Name, child.Parent, parent.SpanContext)
	}
}

// traceparent is what a request carries that is made for s.
func traceparent(s tracetest.SpanStub) string {
	return "00-" + s.SpanContext.TraceID().String() + "-" + s.SpanContext.SpanID().String() + "-" + s.SpanContext.TraceFlags().String()
}

func TestSpans(t *testing.T) {
	oneNode(t)
	provider, book := newSpans(t, sdk.ParentBased(sdk.AlwaysSample()))
	log, now := new(logbook), newClock()
	logger := zerolog.New(log)
	n, o := fronting(t, proxy.Config{TracerProvider: provider, Logger: &logger, Now: now.Now})
	header := maxAge("60")
	header.Set("Cache-Control", "max-age=60, stale-while-revalidate=60")
	o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: header}.ServeHTTP)
	sent := func() string {
		t.Helper()
		all := o.Requests()
		return all[len(all)-1].Header.Get("Traceparent")
	}

	n.get("/files/f?a=b&sig=secret", "User-Agent: test")
	o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: header}.ServeHTTP)
	miss := book.await("GET", "lookup", "GET")
	request, lookup, fetch := miss[0], miss[1], miss[2]
	has(t, request, "http.request.method", "GET", "url.path", "/files/f", "url.query", "a=b&sig=REDACTED",
		"url.scheme", "http", "http.response.status_code", "200", "http.response.body.size", "1000",
		"network.protocol.version", "1.1", "user_agent.original", "test", "server.address", n.Listener.Addr().(*net.TCPAddr).IP.String(),
		"client.address", "127.0.0.1", "scurry.cache", "miss", "scurry.source", "origin")
	has(t, lookup, "scurry.cache", "miss")
	has(t, fetch, "http.request.method", "GET", "url.full", o.URL+"/f?a=b&sig=REDACTED", "scurry.reason", "miss",
		"http.response.status_code", "200", "http.response.body.size", "1000", "server.address", o.Base.Hostname())
	below(t, request, lookup)
	below(t, request, fetch)
	if request.SpanKind != trace.SpanKindServer || fetch.SpanKind != trace.SpanKindClient || request.Parent.IsValid() {
		t.Errorf("kinds %v, %v; parent %v", request.SpanKind, fetch.SpanKind, request.Parent)
	}
	if sent() != traceparent(fetch) {
		t.Errorf("the origin is sent %q by %q", sent(), traceparent(fetch))
	}
	for message, s := range map[string]tracetest.SpanStub{"request": request, "origin": fetch} {
		eventually(t, "there is a line", func() bool { return len(log.lines(t, message)) > 0 })
		line := log.lines(t, message)[0]
		if line["trace_id"] != s.SpanContext.TraceID().String() || line["span_id"] != s.SpanContext.SpanID().String() {
			t.Errorf("the log has %v of %v", line, s.SpanContext)
		}
	}

	n.get("/files/f?a=b&sig=secret", sampled, "Tracestate: x=y")
	hit := book.await("GET")[0]
	has(t, hit, "scurry.cache", "hit", "scurry.source", "memory")
	if hit.Parent.SpanID().String() != clientSpan || hit.SpanContext.TraceID().String() != clientTrace || hit.SpanContext.TraceState().String() != "x=y" {
		t.Errorf("a hit doesn't go on the client's trace: %v of %v", hit.SpanContext, hit.Parent)
	}

	now.Advance(90 * time.Second)
	n.get("/files/f?a=b&sig=secret", sampled)
	// each of them ends by itself
	stale := book.await("GET", "revalidate", "GET")
	has(t, stale[0], "scurry.cache", "stale")
	has(t, stale[1], "scurry.cache", "revalidated")
	has(t, stale[2], "scurry.reason", "revalidate", "http.response.status_code", "304")
	below(t, stale[1], stale[2])
	if links := stale[1].Links; stale[1].Parent.IsValid() || stale[1].SpanContext.TraceID() == stale[0].SpanContext.TraceID() ||
		len(links) != 1 || !links[0].SpanContext.Equal(stale[0].SpanContext) {
		t.Errorf("the validation has the links %v", links)
	}
	if sent() != traceparent(stale[2]) {
		t.Errorf("the origin is sent %q for a validation", sent())
	}

	n.do(http.MethodPost, "/files/f", sampled, "Tracestate: x=y", "Baggage: a=b").Body.Close()
	pass := book.await("POST", "POST")
	has(t, pass[0], "scurry.cache", "pass")
	has(t, pass[1], "scurry.reason", "pass")
	below(t, pass[0], pass[1])
	last := o.Requests()[o.Count()-1].Header
	if sent() != traceparent(pass[1]) || last.Get("Tracestate") != "x=y" || last.Get("Baggage") != "a=b" {
		t.Errorf("the origin is sent %v", last)
	}

	o.Close()
	n.get("/files/g", sampled)
	failed := book.await("GET", "lookup", "GET")
	has(t, failed[0], "http.response.status_code", "502", "error.type", "502", "scurry.cache", "miss")
	has(t, failed[2], "error.type", "connection_refused")

	n.do("BREW", "/zk?key=f", sampled).Body.Close()
	has(t, book.await("HTTP")[0], "http.request.method", "_OTHER", "http.request.method_original", "BREW")
	n.get("/nothing")
	has(t, book.await("GET")[0], "http.response.status_code", "404", "url.path", "/nothing")
}

// TestUnsampled: what isn't sampled is carried on all the same, but without spans and ids in the log.
func TestUnsampled(t *testing.T) {
	oneNode(t)
	provider, book := newSpans(t, sdk.ParentBased(sdk.AlwaysSample()))
	log := new(logbook)
	logger := zerolog.New(log)
	n, o := fronting(t, proxy.Config{TracerProvider: provider, Logger: &logger})
	o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	n.get("/files/f", unsampled, "Tracestate: x=y")
	n.get("/files/f", unsampled)
	h := o.Requests()[0].Header
	if got := h.Get("Traceparent"); !strings.HasPrefix(got, "00-"+clientTrace+"-") || !strings.HasSuffix(got, "-00") ||
		strings.Contains(got, clientSpan) || h.Get("Tracestate") != "x=y" {
		t.Errorf("the origin is sent %v", h)
	}
	if spans := book.GetSpans(); len(spans) > 0 {
		t.Errorf("there are spans: %v", spans)
	}
	if text := log.String(); strings.Contains(text, "trace_id") {
		t.Error(text)
	}
}

// TestTraceFieldsSelectNothing: they differ in each request, so that nothing that is stored depends on
// them, whatever the origin says. Without a TracerProvider, the origin is sent what the client sends.
func TestTraceFieldsSelectNothing(t *testing.T) {
	for _, traced := range []bool{false, true} {
		t.Run(fmt.Sprint("traced=", traced), func(t *testing.T) {
			cfg := proxy.Config{}
			if traced {
				cfg.TracerProvider, _ = newSpans(t, sdk.AlwaysSample())
			}
			n, o := fronting(t, cfg)
			h := maxAge("60")
			h.Set("Vary", "Traceparent, Accept-Language, Tracestate")
			o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: h}.ServeHTTP)
			n.get("/files/f", sampled, "Tracestate: x=y", "Accept-Language: de")
			resp := n.expect(200, origintest.Content(0, 0, 1000), "/files/f", unsampled, "Accept-Language: de")
			n.cacheStatus(resp, "scurry; hit")
			n.cacheStatus(n.expect(200, origintest.Content(0, 0, 1000), "/files/f", "Accept-Language: de"), "scurry; hit")
			n.get("/files/f", sampled, "Accept-Language: en")
			if o.Count() != 2 {
				t.Errorf("the origin is asked %d times", o.Count())
			}
			got, _ := o.Requests()[0].Header["Traceparent"]
			if "Traceparent: "+strings.Join(got, "|") == sampled != !traced || o.Requests()[0].Header.Get("Tracestate") != "x=y" {
				t.Errorf("the origin is sent %q", got)
			}
		})
	}
	cfg := proxy.Config{Origin: http.DefaultTransport, Keys: proxy.KeyRules{Fields: []string{"traceparent"}}}
	if err := cfg.Validate(); err == nil {
		t.Error("a traceparent may be in the key")
	}
}

// TestTraceTaken shows which traces of clients are gone on.
func TestTraceTaken(t *testing.T) {
	oneNode(t)
	second := "Traceparent: 00-" + strings.Repeat("1", 32) + "-" + strings.Repeat("2", 16) + "-01"
	for name, test := range map[string]struct {
		cfg    proxy.Config
		fields []string
		taken  bool
	}{
		"usual":   {proxy.Config{}, []string{sampled}, true},
		"broken":  {proxy.Config{}, []string{"Traceparent: 00-x-y-01"}, false},
		"two":     {proxy.Config{}, []string{sampled, second}, false},
		"dropped": {proxy.Config{Keys: proxy.KeyRules{DropFields: []string{"traceparent"}}}, []string{sampled}, false},
		"other":   {proxy.Config{Propagator: propagation.NewCompositeTextMapPropagator()}, []string{sampled}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var book *spanBook
			test.cfg.TracerProvider, book = newSpans(t, sdk.AlwaysSample())
			n, o := fronting(t, test.cfg)
			o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
			n.get("/files/f", test.fields...)
			for _, s := range append(book.await("GET", "lookup", "GET")[:1], func() tracetest.SpanStub {
				n.get("/files/f", test.fields...) // a hit, in the fast lane perhaps
				return book.await("GET")[0]
			}()) {
				if taken := s.SpanContext.TraceID().String() == clientTrace; taken != test.taken {
					t.Errorf("taken %t: %v", taken, s.SpanContext)
				}
			}
			if name == "other" && o.Requests()[0].Header.Get("Traceparent") != strings.TrimPrefix(sampled, "Traceparent: ") {
				t.Errorf("the origin is sent %v", o.Requests()[0].Header)
			}
		})
	}
}

// TestSpansOfNodes: the spans of two nodes are one tree.
func TestSpansOfNodes(t *testing.T) {
	provider, book := newSpans(t, sdk.ParentBased(sdk.AlwaysSample()))
	now := newClock()
	c := newCluster(t, 2, proxy.Config{TracerProvider: provider, Now: now.Now, Cluster: proxy.Cluster{Lease: time.Hour}})
	header := http.Header{"Cache-Control": {"max-age=60, stale-while-revalidate=60"}}
	c.o.Handle("/f", origintest.File{Size: 2 * most, ETag: `"1"`, Header: header}.ServeHTTP)
	other, name := c.other("f"), c.names[c.owner("f")]

	other.get("/files/f", sampled)
	miss := book.await("GET", "lookup", "peer lookup", "peer lookup", "GET")
	request, lookup, call, served, fetch := miss[0], miss[1], miss[2], miss[3], miss[4]
	below(t, request, lookup)
	below(t, request, call)
	below(t, call, served)
	below(t, served, fetch)
	if call.SpanKind != trace.SpanKindClient || served.SpanKind != trace.SpanKindServer || !served.Parent.IsRemote() {
		t.Errorf("kinds %v, %v", call.SpanKind, served.SpanKind)
	}
	has(t, request, "scurry.cache", "miss", "scurry.source", "peer", "scurry.owner", name, "scurry.peer", name)
	has(t, call, "scurry.peer", name, "scurry.cache", "miss")
	has(t, served, "scurry.cache", "miss")
	if got := c.o.Requests()[0].Header.Get("Traceparent"); got != traceparent(fetch) {
		t.Errorf("the origin is sent %q", got)
	}

	other.get("/files/f", sampled, "Range: bytes=0-9")
	hit := book.await("GET", "peer chunk")
	below(t, hit[0], hit[1])
	has(t, hit[0], "scurry.cache", "hit", "scurry.source", "peer")
	has(t, hit[1], "scurry.peer", name, "scurry.cache", "hit")

	c.o.Handle("/g", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	first, second := c.nodes[c.owner("g")], c.other("g")
	first.get("/files/g")
	book.await("GET", "lookup", "GET")
	second.get("/files/g", sampled)
	found := book.await("GET", "lookup", "peer lookup", "peer lookup")
	has(t, found[0], "scurry.cache", "hit", "scurry.source", "peer")
	has(t, found[3], "scurry.cache", "hit")
	second.get("/files/g", unsampled) // no node makes a span
	first.do(http.MethodGet, "/files/none", unsampled).Body.Close()
	second.do(http.MethodGet, "/files/none", unsampled).Body.Close()

	now.Advance(90 * time.Second)
	other.do(http.MethodHead, "/files/f", sampled).Body.Close()
	stale := book.await("HEAD", "revalidate", "peer lookup", "peer lookup", "GET")
	has(t, stale[0], "scurry.cache", "stale")
	has(t, stale[4], "scurry.reason", "revalidate")
	for i := range stale[2:] {
		below(t, stale[i+1], stale[i+2])
	}
}

// TestSharedSpans: a request that shares what is fetched for another one is linked to that.
func TestSharedSpans(t *testing.T) {
	oneNode(t)
	provider, book := newSpans(t, sdk.ParentBased(sdk.AlwaysSample()))
	n, o := fronting(t, proxy.Config{TracerProvider: provider})
	hold := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		<-hold
		w.Write(origintest.Content(0, 0, 1000))
	})
	first := n.do(http.MethodGet, "/files/f") // its head has come
	second := n.do(http.MethodGet, "/files/f")
	close(hold)
	n.read(first)
	n.read(second)
	spans := book.await("GET", "lookup", "GET", "GET")
	has(t, spans[3], "scurry.cache", "collapsed")
	if links := spans[3].Links; len(links) != 1 || !links[0].SpanContext.Equal(spans[0].SpanContext) {
		t.Errorf("it is linked to %v, not to %v", links, spans[0].SpanContext)
	}
}

// TestLanesTraceAlike holds the spans of the lane against those of net/http.
func TestLanesTraceAlike(t *testing.T) {
	provider, book := newSpans(t, sdk.ParentBased(sdk.AlwaysSample()))
	l := newLanesOf(t, proxy.Config{TracerProvider: provider})
	eventually(t, "the spans of the requests to the origin have ended", func() bool {
		ended := int64(0)
		for _, s := range book.GetSpans() {
			if s.SpanKind == trace.SpanKindClient {
				ended++
			}
		}
		return ended == l.Stats().OriginRequests
	})
	book.Reset()
	var spans [2][]tracetest.SpanStub
	for i, address := range l.addresses {
		for _, fields := range []string{
			sampled, sampled + "\r\nTracestate: x=y", unsampled, "User-Agent: a b", "Baggage: a=b", "Range: bytes=5-9",
			"Traceparent: x", sampled + "\r\n" + unsampled, `If-None-Match: "1"`,
		} {
			for _, method := range []string{"GET ", "HEAD "} {
				talk(t, address, [][]byte{[]byte(method + "/files/small HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n")})
			}
		}
		// each request is followed by another one, and two of the first aren't sampled
		spans[i] = book.await(slices.Concat(
			slices.Repeat([]string{"GET", "GET", "HEAD", "GET"}, 2), []string{"GET", "GET"},
			slices.Repeat([]string{"GET", "GET", "HEAD", "GET"}, 6))...)
	}
	lines := l.book.lines(t, "request")
	took := func(s tracetest.SpanStub) time.Duration {
		for _, line := range lines {
			if line["span_id"] == s.SpanContext.SpanID().String() {
				return time.Duration(line["duration_ms"].(float64) * float64(time.Millisecond)).Truncate(time.Microsecond)
			}
		}
		return 0
	}
	for i, fast := range spans[0] {
		slow := spans[1][i]
		for _, s := range []*tracetest.SpanStub{&fast, &slow} {
			for j, a := range s.Attributes {
				switch a.Key {
				case "client.port", "network.peer.port":
					s.Attributes[j] = attribute.Int(string(a.Key), 0)
				}
			}
		}
		f, s := attributes(fast), attributes(slow)
		if !maps.Equal(f, s) || !fast.Parent.Equal(slow.Parent) || fast.Status != slow.Status || fast.SpanKind != slow.SpanKind ||
			fast.SpanContext.TraceState().String() != slow.SpanContext.TraceState().String() {
			t.Errorf("%v %v\nand by net/http\n%v %v", f, fast.Parent, s, slow.Parent)
		}
		if fast.Parent.IsValid() { // then the lane has answered it; its span begins when it came
			took := took(fast)
			if span := fast.EndTime.Sub(fast.StartTime); took == 0 || span < took {
				t.Errorf("a request that took %v has a span of %v", took, span)
			}
		}
	}
}
