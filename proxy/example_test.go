package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// A proxy in a test: in front of a server that counts what it is asked.
func Example() {
	asked := 0
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "nuts for "+r.URL.Path)
	}))
	defer slow.Close()

	base, _ := url.Parse(slow.URL)
	p, err := proxy.New(proxy.Config{Origin: origin.HTTP(base)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	cache := httptest.NewServer(p)
	defer cache.Close()

	client := cache.Client()
	defer client.CloseIdleConnections()
	for _, path := range []string{"/files/winter", "/files/winter", "/zk?key=winter"} {
		resp, err := client.Get(cache.URL + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%s (%.16s)\n", body, resp.Header.Get("Cache-Status"))
	}
	fmt.Println("asked:", asked, "hits:", p.Stats().Hits)
	// Output:
	// nuts for /winter (scurry; fwd=uri-)
	// nuts for /winter (scurry; hit; ttl)
	// nuts for /winter (scurry; hit; ttl)
	// asked: 1 hits: 2
}

// The spans of a request that the origin is asked for. They go to a collector if the provider has
// its exporter.
func ExampleConfig_tracing() {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the origin is in a trace:", r.Header.Get("Traceparent") != "")
	}))
	defer slow.Close()
	base, _ := url.Parse(slow.URL)

	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	p, err := proxy.New(proxy.Config{Origin: origin.HTTP(base), TracerProvider: provider})
	if err != nil {
		fmt.Println(err)
		return
	}
	p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/files/winter", nil))
	p.Close()
	provider.Shutdown(context.Background())
	for _, s := range spans.Started() {
		fmt.Println(s.Name(), s.SpanKind())
	}
	// Output:
	// the origin is in a trace: true
	// GET server
	// lookup internal
	// GET client
}

// Three nodes in one process: the file is asked for once, though each of them is.
func Example_cluster() {
	asked := 0
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "nuts for "+r.URL.Path)
	}))
	defer slow.Close()
	base, _ := url.Parse(slow.URL)

	var listeners []net.Listener
	var peers []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Println(err)
			return
		}
		listeners, peers = append(listeners, l), append(peers, l.Addr().String())
	}
	var nodes []*proxy.Proxy
	for _, l := range listeners {
		p, err := proxy.New(proxy.Config{Origin: origin.HTTP(base),
			Cluster: proxy.Cluster{Listener: l, Peers: peers}})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer p.Close()
		nodes = append(nodes, p)
	}
	for _, p := range nodes {
		if err := p.WaitForPeers(context.Background()); err != nil {
			fmt.Println(err)
		}
	}

	for _, p := range nodes {
		cache := httptest.NewServer(p)
		defer cache.Close()
		resp, err := cache.Client().Get(cache.URL + "/files/winter")
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		cache.Client().CloseIdleConnections()
		fmt.Printf("%s\n", body)
	}
	fmt.Println("asked:", asked)
	// Output:
	// nuts for /winter
	// nuts for /winter
	// nuts for /winter
	// asked: 1
}
