package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// BenchmarkTracedHit is a hit of 1 KiB by both lanes: untraced, and with spans that go to a queue
// as they do in the command. With "parent", requests are in traces of their own.
func BenchmarkTracedHit(b *testing.B) {
	for _, by := range []struct {
		name    string
		sampler sdk.Sampler
	}{
		{"off", nil}, {"0%", sdk.ParentBased(sdk.NeverSample())},
		{"1%", sdk.ParentBased(sdk.TraceIDRatioBased(0.01))},
		{"100%", sdk.ParentBased(sdk.AlwaysSample())},
	} {
		o := origintest.New(b)
		o.Handle("/f", origintest.File{Size: 1 << 10, ETag: `"1"`,
			Header: maxAge("6000")}.ServeHTTP)
		p, err := proxy.New(proxy.Config{Origin: origin.HTTP(o.Base), TracerProvider: benchSpans(b,
			by.sampler)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close() })
		r := httptest.NewRequest(http.MethodGet, "/files/f", nil)
		r.Header.Set("User-Agent", "bench")
		w := &discard{header: http.Header{}}
		p.ServeHTTP(w, r)
		b.Run("sampled="+by.name+"/lane=handler", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				p.ServeHTTP(w, r)
			}
		})
		for _, parent := range []bool{false, true} {
			text, name := "GET /files/f HTTP/1.1\r\nHost: a\r\nUser-Agent: bench\r\n", "/lane=fast"
			if parent {
				text, name = text+unsampled+"\r\n", name+"/parent"
			}
			request := []byte(text + "\r\n")
			b.Run("sampled="+by.name+name, func(b *testing.B) {
				b.ReportAllocs()
				var c laneClient
				for b.Loop() {
					c.Reset()
					if n, next, _ := p.Lane().Serve(&c, request); n != len(request) || next != nil {
						b.Skip("it isn't for the lane")
					}
				}
			})
		}
	}
}

// benchSpans has spans go to a queue, from which they are dropped.
func benchSpans(b *testing.B, sampler sdk.Sampler) trace.TracerProvider {
	if sampler == nil {
		return nil
	}
	p := sdk.NewTracerProvider(sdk.WithSampler(sampler),
		sdk.WithBatcher(tracetest.NewNoopExporter()))
	b.Cleanup(func() { p.Shutdown(b.Context()) })
	return p
}
