package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/proxy"
)

// BenchmarkContention is what hits of 1 KiB cost when all goroutines, as many as GOMAXPROCS, ask
// one proxy, with its log, by the lane or by the handler, for one file or for many. The figure
// "of-alone" is the time as a part of the time of as many goroutines each of which has a proxy to
// itself: what is above 1 is what the goroutines cost each other. Rounds of both alternate; it is
// the median of their ratios. Beyond the machine's cores, only locks that are held by those who
// don't run can be seen.
//
//	go test -run '^$' -bench Contention -cpu 2,8,32 ./proxy
//	go test -run '^$' -bench Contention -cpu 8 -mutexprofile m -mutexprofilefraction 1 ./proxy
func BenchmarkContention(b *testing.B) {
	for _, by := range []string{"lane", "handler"} {
		for _, files := range []int{1, 64} {
			b.Run(fmt.Sprintf("by=%s/files=%d", by, files), func(b *testing.B) {
				contend(b, by == "lane", files)
			})
		}
	}
}

func contend(b *testing.B, lane bool, files int) {
	const rounds = 15
	n := runtime.GOMAXPROCS(0)
	var shared, own []func(hits int)
	one := warmProxy(b, files)
	for i := range n {
		shared = append(shared, asker(b, one, lane, files, i))
		own = append(own, asker(b, warmProxy(b, files), lane, files, i))
	}
	var took, ratios []float64
	for b.Loop() {
		hits := 20_000 / n
		run(own, hits/10)
		run(shared, hits/10)
		for range rounds {
			alone, together := run(own, hits), run(shared, hits)
			took = append(took, float64(together)/float64(hits*n))
			ratios = append(ratios, float64(together)/float64(alone))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took), "ns/hit")
	b.ReportMetric(median(ratios), "of-alone")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// run has each of askers ask for that many hits, at once, and returns how long it took.
func run(askers []func(hits int), hits int) time.Duration {
	var wg sync.WaitGroup
	start := time.Now()
	for _, ask := range askers {
		wg.Go(func() { ask(hits) })
	}
	wg.Wait()
	return time.Since(start)
}

// warmProxy returns a proxy that logs to nowhere, and holds so many files of 1 KiB.
func warmProxy(tb testing.TB, files int) *proxy.Proxy {
	tb.Helper()
	log, queue := logging.New(io.Discard, "json", zerolog.InfoLevel)
	tb.Cleanup(func() { _ = queue.Close(time.Minute) })
	p, err := proxy.New(proxy.Config{Origin: &usual{sizes: map[string]int{"f": 1 << 10}},
		Logger: &log,
		Memory: 16 << 20, Slab: 2 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	for i := range files {
		p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, contended(i), nil))
	}
	for p.Stats().LiveFills > 0 {
		runtime.Gosched()
	}
	return p
}

func contended(i int) string { return fmt.Sprintf("/files/f/%04d", i) }

// asker returns what asks p for files one after the other, beginning with a file of its own.
func asker(tb testing.TB, p *proxy.Proxy, lane bool, files, number int) func(hits int) {
	var c sink
	var texts [][]byte
	var requests []*http.Request
	w := &discard{header: http.Header{}}
	for i := range files {
		r := httptest.NewRequest(http.MethodGet, contended((i+number*files/8)%files), nil)
		r.Header = http.Header{"User-Agent": {"bench"}}
		requests = append(requests, r)
		texts = append(texts,
			fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: a\r\nUser-Agent: bench\r\n\r\n",
				r.RequestURI))
	}
	at := 0
	return func(hits int) {
		for range hits {
			if at = (at + 1) % files; lane {
				if n, next, err := p.Lane().Serve(&c, texts[at]); n != len(texts[at]) ||
					next != nil || err != nil {
					tb.Errorf("the lane doesn't take %s: %v", texts[at], err)
				}
				continue
			}
			clear(w.header)
			p.ServeHTTP(w, requests[at])
		}
		if n := c.sent + w.bytes; n < int64(hits)<<10 {
			tb.Errorf("%d bytes were sent for %d hits", n, hits)
		}
	}
}

// sink is a client's connection that takes all that is sent.
type sink struct{ sent int64 }

func (*sink) Remote() string { return "1.2.3.4:5" }

func (c *sink) Send(b *net.Buffers) (n int64, err error) {
	for _, part := range *b {
		n += int64(len(part))
	}
	c.sent += n
	return n, nil
}
