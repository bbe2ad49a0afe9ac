package proxy_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
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

// await returns the spans, by their names and in the order of their begins, once they are as many
// as names, and holds their names against these.
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
	if child.Parent.SpanID() != parent.SpanContext.SpanID() ||
		child.SpanContext.TraceID() != parent.SpanContext.TraceID() {
		t.Errorf("%s isn't below %s: %v %v", child.Name, parent.Name, child.Parent,
			parent.SpanContext)
	}
}

// traceparent is what a request carries that is made for s.
func traceparent(s tracetest.SpanStub) string {
	return "00-" + s.SpanContext.TraceID().String() + "-" + s.SpanContext.SpanID().String() + "-" +
		s.SpanContext.TraceFlags().String()
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
	has(t, request, "http.request.method", "GET", "url.path", "/files/f", "url.query",
		"a=b&sig=REDACTED",
		"url.scheme", "http", "http.response.status_code", "200", "http.response.body.size", "1000",
		"network.protocol.version", "1.1", "user_agent.original", "test", "server.address",
		n.Listener.Addr().(*net.TCPAddr).IP.String(),
		"client.address", "127.0.0.1", "scurry.cache", "miss", "scurry.source", "origin")
	has(t, lookup, "scurry.cache", "miss")
	has(t, fetch, "http.request.method", "GET", "url.full", o.URL+"/f?a=b&sig=REDACTED",
		"scurry.reason", "miss",
		"http.response.status_code", "200", "http.response.body.size", "1000", "server.address",
		o.Base.Hostname())
	below(t, request, lookup)
	below(t, request, fetch)
	if request.SpanKind != trace.SpanKindServer || fetch.SpanKind != trace.SpanKindClient ||
		request.Parent.IsValid() {
		t.Errorf("kinds %v, %v; parent %v", request.SpanKind, fetch.SpanKind, request.Parent)
	}
	if sent() != traceparent(fetch) {
		t.Errorf("the origin is sent %q by %q", sent(), traceparent(fetch))
	}
	for message, s := range map[string]tracetest.SpanStub{"request": request, "origin": fetch} {
		eventually(t, "there is a line", func() bool { return len(log.lines(t, message)) > 0 })
		line := log.lines(t, message)[0]
		if line["trace_id"] != s.SpanContext.TraceID().String() ||
			line["span_id"] != s.SpanContext.SpanID().String() {
			t.Errorf("the log has %v of %v", line, s.SpanContext)
		}
	}

	n.get("/files/f?a=b&sig=secret", sampled, "Tracestate: x=y")
	hit := book.await("GET")[0]
	has(t, hit, "scurry.cache", "hit", "scurry.source", "memory")
	if hit.Parent.SpanID().String() != clientSpan ||
		hit.SpanContext.TraceID().String() != clientTrace ||
		hit.SpanContext.TraceState().String() != "x=y" {
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
	if links := stale[1].Links; stale[1].Parent.IsValid() ||
		stale[1].SpanContext.TraceID() == stale[0].SpanContext.TraceID() ||
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
	if sent() != traceparent(pass[1]) || last.Get("Tracestate") != "x=y" ||
		last.Get("Baggage") != "a=b" {
		t.Errorf("the origin is sent %v", last)
	}

	o.Close()
	n.get("/files/g", sampled)
	failed := book.await("GET", "lookup", "GET")
	has(t, failed[0], "http.response.status_code", "502", "error.type", "502", "scurry.cache",
		"miss")
	has(t, failed[2], "error.type", "connection_refused")

	n.do("BREW", "/zk?key=f", sampled).Body.Close()
	has(t, book.await("HTTP")[0], "http.request.method", "_OTHER", "http.request.method_original",
		"BREW")
	n.get("/nothing")
	has(t, book.await("GET")[0], "http.response.status_code", "404", "url.path", "/nothing")
}

// TestUnsampled: what isn't sampled is carried on all the same, but without spans and ids in the
// log.
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
	if got := h.Get("Traceparent"); !strings.HasPrefix(got, "00-"+clientTrace+"-") ||
		!strings.HasSuffix(got, "-00") ||
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

// TestTraceFieldsSelectNothing: they differ in each request, so that nothing that is stored depends
// on them, whatever the origin says. Without a TracerProvider, the origin is sent what the client
// sends.
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
			resp := n.expect(200, origintest.Content(0, 0, 1000), "/files/f", unsampled,
				"Accept-Language: de")
			n.cacheStatus(resp, "scurry; hit")
			n.cacheStatus(n.expect(200, origintest.Content(0, 0, 1000), "/files/f",
				"Accept-Language: de"), "scurry; hit")
			n.get("/files/f", sampled, "Accept-Language: en")
			if o.Count() != 2 {
				t.Errorf("the origin is asked %d times", o.Count())
			}
			got, _ := o.Requests()[0].Header["Traceparent"]
			if "Traceparent: "+strings.Join(got, "|") == sampled != !traced ||
				o.Requests()[0].Header.Get("Tracestate") != "x=y" {
				t.Errorf("the origin is sent %q", got)
			}
		})
	}
	cfg := proxy.Config{Origin: http.DefaultTransport,
		Keys: proxy.KeyRules{Fields: []string{"traceparent"}}}
	if err := cfg.Validate(); err == nil {
		t.Error("a traceparent may be in the key")
	}
}

// TestTraceFieldsCollapse: clients of all nodes, each with a trace of its own, share one request to
// the origin for a cold variant and one for a stale one, although the origin's Vary names the fields.
func TestTraceFieldsCollapse(t *testing.T) {
	const clients = 30
	for _, traced := range []bool{false, true} {
		t.Run(fmt.Sprint("traced=", traced), func(t *testing.T) {
			now := newClock()
			cfg := proxy.Config{Now: now.Now}
			if traced {
				cfg.TracerProvider, _ = newSpans(t, sdk.AlwaysSample())
			}
			c := newCluster(t, 3, cfg)
			h := maxAge("60")
			h.Set("Vary", "Traceparent, Accept-Language, Tracestate")
			file := origintest.File{Size: 1000, ETag: `"1"`, Header: h}
			var asked [4]chan bool // closed when the clients of that round have begun
			for i := range asked {
				asked[i] = make(chan bool)
			}
			var present atomic.Int32
			c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				<-asked[present.Load()]
				file.ServeHTTP(w, r)
			})
			for round, language := range []string{"de", "de", "en", "en"} { // cold and stale
				present.Store(int32(round))
				var begun, all sync.WaitGroup
				for i := range clients {
					begun.Add(1)
					all.Go(func() {
						begun.Done()
						c.nodes[i%3].expect(200, origintest.Content(0, 0, 1000), "/files/f",
							"Accept-Language: "+language,
							fmt.Sprintf("Traceparent: 00-%032x-%016x-01", 100*round+i+1, i+1),
							fmt.Sprint("Tracestate: x=", i))
					})
				}
				begun.Wait()
				close(asked[round])
				all.Wait()
				if got := c.o.Count(); got != round+1 {
					t.Errorf("round %d: %d requests to the origin in all", round, got)
				}
				if round%2 == 0 {
					now.Advance(time.Hour)
				}
			}
		})
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
		"usual":  {proxy.Config{}, []string{sampled}, true},
		"broken": {proxy.Config{}, []string{"Traceparent: 00-x-y-01"}, false},
		"two":    {proxy.Config{}, []string{sampled, second}, false},
		"dropped": {proxy.Config{Keys: proxy.KeyRules{DropFields: []string{"traceparent"}}},
			[]string{sampled}, false},
		"other": {proxy.Config{Propagator: propagation.NewCompositeTextMapPropagator()},
			[]string{sampled}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var book *spanBook
			test.cfg.TracerProvider, book = newSpans(t, sdk.AlwaysSample())
			n, o := fronting(t, test.cfg)
			o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
			n.get("/files/f", test.fields...)
			for _, s := range append(book.await("GET", "lookup", "GET")[:1],
				func() tracetest.SpanStub {
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
