package proxy_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestSpansOfNodes: the spans of two nodes are one tree.
func TestSpansOfNodes(t *testing.T) {
	provider, book := newSpans(t, sdk.ParentBased(sdk.AlwaysSample()))
	now := newClock()
	c := newCluster(t, 2, proxy.Config{TracerProvider: provider, Now: now.Now,
		Cluster: proxy.Cluster{Lease: time.Hour}})
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
	if call.SpanKind != trace.SpanKindClient || served.SpanKind != trace.SpanKindServer ||
		!served.Parent.IsRemote() {
		t.Errorf("kinds %v, %v", call.SpanKind, served.SpanKind)
	}
	has(t, request, "scurry.cache", "miss", "scurry.source", "peer", "scurry.owner", name,
		"scurry.peer", name)
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
	if links := spans[3].Links; len(links) != 1 ||
		!links[0].SpanContext.Equal(spans[0].SpanContext) {
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
			sampled, sampled + "\r\nTracestate: x=y", unsampled, "User-Agent: a b", "Baggage: a=b",
			"Range: bytes=5-9",
			"Traceparent: x", sampled + "\r\n" + unsampled, `If-None-Match: "1"`,
		} {
			for _, method := range []string{"GET ", "HEAD "} {
				talk(t, address, [][]byte{[]byte(method + "/files/small HTTP/1.1\r\nHost: a\r\n" +
					fields + "\r\n\r\n")})
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
		if !maps.Equal(f, s) || !fast.Parent.Equal(slow.Parent) || fast.Status != slow.Status ||
			fast.SpanKind != slow.SpanKind ||
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
