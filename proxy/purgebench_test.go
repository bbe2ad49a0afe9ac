package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/proxy"
)

// BenchmarkPurge is a purge of each kind on three nodes until all have acknowledged it, while
// clients ask them for what is purged, or don't. Beside the mean it tells the 99th percentile.
func BenchmarkPurge(b *testing.B) {
	for _, clients := range []int{0, 64} {
		s := newStorm(b)
		s.release(true) // no response is held
		ctx, cancel := context.WithCancel(b.Context())
		var asking sync.WaitGroup
		var answered, hits atomic.Int64
		for range clients {
			asking.Go(func() {
				for ctx.Err() == nil {
					s.request(ctx, &answered, &hits)
				}
			})
		}
		for _, k := range stormKinds {
			b.Run(fmt.Sprintf("clients=%d/by=%s", clients, k.name), func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					start := time.Now()
					r, err := s.nodes[0].Purge(b.Context(), k.ask(s.files[len(took)%len(s.files)]))
					if took = append(took, time.Since(start)); err != nil || !r.Complete() {
						b.Fatal(r, err)
					}
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "purges/s")
			})
		}
		cancel()
		asking.Wait()
	}
}

// BenchmarkPurgeOfMany is a purge where many responses are stored, none of which it matches. Beside
// that it tells the 99th percentile of hits meanwhile: they wait for no sweep.
func BenchmarkPurgeOfMany(b *testing.B) {
	const stored = 100_000
	n, o := fronting(b, proxy.Config{Memory: 1 << 30, Slab: 64 << 20, FirstChunk: 32 << 10,
		MaxChunk: 1 << 20})
	v := &versions{}
	for i := range stored {
		path := fmt.Sprintf("/some/folder/%d/f%d", i%100, i)
		o.Handle(path, v.ServeHTTP)
		n.ServeHTTP(&discard{header: http.Header{}}, httptest.NewRequest(http.MethodGet, "/files"+
			path, nil))
	}
	for name, q := range map[string]proxy.PurgeRequest{
		"url": {URLs: []string{"/files/some/folder/none"}}, "group": {Groups: []string{"none"}},
		"prefix":  {Prefixes: []string{"/files/some/other"}},
		"queries": {URLs: []string{"/files/some/folder/none"}, Queries: true},
	} {
		b.Run(fmt.Sprintf("stored=%d/by=%s", stored, name), func(b *testing.B) {
			took := hitsMeanwhile(n.Proxy, "/files/some/folder/0/f0", func() {
				for b.Loop() {
					n.purge(q)
				}
			})
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "hit-p99-µs")
		})
	}
}

// hitsMeanwhile asks for what is stored at path while do runs, and returns how long each hit takes.
func hitsMeanwhile(p *proxy.Proxy, path string, do func()) (took []time.Duration) {
	done, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			start := time.Now()
			p.ServeHTTP(&discard{header: http.Header{}}, httptest.NewRequest(http.MethodGet, path, nil))
			took = append(took, time.Since(start))
		}
	}()
	do()
	close(done)
	<-asked
	return took
}
