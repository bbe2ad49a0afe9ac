//go:build unix

package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// BenchmarkPeerHit is a hit of 1 KiB by way of the node that owns it, as a handler, beside a hit on
// that node. Time on all cores and allocations are those of both nodes together. The node that is
// asked has less memory than its copies would take, so each request goes to the owner.
func BenchmarkPeerHit(b *testing.B) {
	const files, slab = 12_000, 4 << 20
	c := newCluster(b, 2, proxy.Config{Memory: 64 << 20, FirstChunk: 32 << 10, MaxChunk: 1 << 20,
		Slab: slab}, func(i int, cfg *proxy.Config) {
		if i == 0 {
			cfg.Memory = 2 * slab
		}
	})
	file := origintest.File{Size: 1 << 10, ETag: `"1"`, Header: maxAge("60000")}
	var requests []*http.Request
	for i := 0; len(requests) < files; i++ {
		key := fmt.Sprint(i)
		if c.owner(key) == 1 {
			c.o.Handle("/"+key, file.ServeHTTP)
			r := httptest.NewRequest(http.MethodGet, "/files/"+key, nil)
			c.nodes[1].ServeHTTP(&discard{header: http.Header{}}, r)
			requests = append(requests, r)
		}
	}
	for node, name := range []string{"peer", "local"} {
		b.Run("by="+name, func(b *testing.B) {
			var next atomic.Int64
			b.ReportAllocs()
			before := cpuTime()
			b.SetParallelism(16) // under load
			b.RunParallel(func(pb *testing.PB) {
				w := &discard{header: http.Header{}}
				for pb.Next() {
					clear(w.header)
					c.nodes[node].ServeHTTP(w, requests[next.Add(1)%files])
				}
			})
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
	if n := c.o.Count(); n != files {
		b.Errorf("%d requests to the origin for %d files", n, files)
	}
}

// cpuTime is what this process has taken so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
