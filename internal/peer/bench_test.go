package peer

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/golang/groupcache"
	pb "github.com/golang/groupcache/groupcachepb"

	"github.com/scurrycache/scurry/internal/wire"
)

// contenders are ways to get one value from another node, which holds it in a groupcache group.
// Each returns the value.
func contenders(b *testing.B, size int) map[string]func(context.Context) ([]byte, error) {
	b.Helper()
	value := make([]byte, size)
	httpPool := overHTTPPool(b, value) // first, for it must be the one to register a picker
	return map[string]func(context.Context) ([]byte, error){
		"scurry":   overWire(b, value),
		"HTTPPool": httpPool,
		"net_http": overHTTP(b, value),
	}
}

// overHTTPPool is groupcache's own. A process can have one such pool and no other picker, so that
// it runs by itself: with -run '^$'.
func overHTTPPool(b *testing.B, value []byte) func(context.Context) ([]byte, error) {
	b.Helper()
	if httpPool == nil {
		func() {
			defer func() {
				if recover() != nil {
					b.Skip("this process has a picker already: run the benchmarks without tests, with -run '^$'")
				}
			}()
			httpPool = groupcache.NewHTTPPoolOpts("http://self.invalid", nil)
		}()
		transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
		httpPool.Transport = func(context.Context) http.RoundTripper { return transport }
	}
	g := holding(b, value)
	server := httptest.NewServer(httpPool)
	b.Cleanup(server.Close)
	httpPool.Set(server.URL)
	getter, ok := httpPool.PickPeer("key")
	if !ok {
		b.Fatal("the pool has no peer")
	}
	group, key := g.Name(), "key"
	return func(ctx context.Context) ([]byte, error) {
		var out pb.GetResponse
		err := getter.Get(ctx, &pb.GetRequest{Group: &group, Key: &key}, &out)
		return out.Value, err
	}
}

var httpPool *groupcache.HTTPPool

var serial int

// holding makes a groupcache group that holds a value. It loads that while the pool, to which all
// groups of the process belong, has no peers: later it would ask itself.
func holding(b *testing.B, value []byte) *groupcache.Group {
	b.Helper()
	serial++
	g := groupcache.NewGroup(fmt.Sprint("bench", serial), 64<<20, groupcache.GetterFunc(func(_ context.Context, _ string, dest groupcache.Sink) error {
		return dest.SetBytes(value)
	}))
	httpPool.Set()
	var v groupcache.ByteView
	if err := g.Get(b.Context(), "key", groupcache.ByteViewSink(&v)); err != nil {
		b.Fatal(err)
	}
	return g
}

// responding writes a value to a peer without a copy.
type responding struct{ *wire.Call }

func (r responding) Write(b []byte) (int, error) { return len(b), r.Respond([]byte{'k'}, b) }

// overWire is ours.
func overWire(b *testing.B, value []byte) func(context.Context) ([]byte, error) {
	b.Helper()
	owner, asker := start(b, NodeConfig{}), start(b, NodeConfig{})
	g := holding(b, value)
	owner.serve = func(c *wire.Call) {
		var v groupcache.ByteView
		if g.Get(c.Context(), string(c.Message()), groupcache.ByteViewSink(&v)) == nil {
			_, _ = v.WriteTo(responding{c})
		}
	}
	meet(owner, asker)
	asker.awaitState(b, owner.name, Live)
	p := asker.Peers()[0]
	return func(ctx context.Context) ([]byte, error) {
		s, err := p.Open(ctx, []byte("key"), 0)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		_, v, err := s.Next()
		return v, err
	}
}

// overHTTP is a plain exchange of net/http.
func overHTTP(b *testing.B, value []byte) func(context.Context) ([]byte, error) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", fmt.Sprint(len(value)))
		_, _ = w.Write(value)
	})}
	go server.Serve(l)
	b.Cleanup(func() { server.Close() })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}
	b.Cleanup(client.CloseIdleConnections)
	return func(ctx context.Context) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+"/key", nil)
		if err != nil {
			return nil, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		v := make([]byte, resp.ContentLength)
		_, err = io.ReadFull(resp.Body, v)
		return v, err
	}
}

func benchmark(b *testing.B, size int, parallel bool) {
	for name, get := range contenders(b, size) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			once := func() bool {
				v, err := get(b.Context())
				if len(v) != size || err != nil {
					b.Errorf("%d bytes, %v", len(v), err)
					return false
				}
				return true
			}
			if !parallel {
				for b.Loop() && once() {
				}
				return
			}
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() && once() {
				}
			})
		})
	}
}

// BenchmarkPeerHit asks for one value after the other; BenchmarkPeerHitUnderLoad many at once.
func BenchmarkPeerHit(b *testing.B) {
	b.Run("1KiB", func(b *testing.B) { benchmark(b, 1<<10, false) })
	b.Run("1MiB", func(b *testing.B) { benchmark(b, 1<<20, false) })
}

func BenchmarkPeerHitUnderLoad(b *testing.B) {
	b.Run("1KiB", func(b *testing.B) { benchmark(b, 1<<10, true) })
	b.Run("1MiB", func(b *testing.B) { benchmark(b, 1<<20, true) })
}
