package wire

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/scurrycache/scurry/internal/wire/wiretest"
)

// The sizes that matter: a small object with its record, and a chunk of a large one.
var benchSizes = []struct {
	name string
	n    int
}{{"1KiB", 1 << 10}, {"1MiB", 1 << 20}}

// BenchmarkRequest is one request and its response over loopback, one after the other and many at
// once. BenchmarkHTTP is what it has to be compared with: the same exchange with net/http, over as
// many connections as it wants.
func BenchmarkRequest(b *testing.B) {
	for _, size := range benchSizes {
		value := make([]byte, size.n)
		answer := []byte("200 and some header fields")
		serve := func(c *Call) { _ = c.Respond(answer, value) }
		ask := func(c *Client) error {
			s, err := c.Open(context.Background(), []byte("/the/key/of/some/object"), 0)
			if err != nil {
				return err
			}
			defer s.Close()
			_, v, err := s.Next()
			if err == nil && len(v) != size.n {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		for _, tr := range wiretest.Transports[:2] {
			b.Run(tr.Name+"/"+size.name, func(b *testing.B) {
				dialed, accepted := tr.Open(b)
				client, _ := join(b, dialed, accepted, Config{}, Config{Serve: serve})
				bench(b, size.n, func() error { return ask(client) })
			})
		}
	}
}

func BenchmarkHTTP(b *testing.B) {
	for _, size := range benchSizes {
		value := make([]byte, size.n)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(value)))
			_, _ = w.Write(value)
		})}
		go func() { _ = server.Serve(l) }()
		transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
		client := &http.Client{Transport: transport}
		get := func() error {
			res, err := client.Get("http://" + l.Addr().String() + "/the/key/of/some/object")
			if err != nil {
				return err
			}
			defer res.Body.Close()
			v := make([]byte, res.ContentLength)
			_, err = io.ReadFull(res.Body, v)
			return err
		}
		b.Run(size.name, func(b *testing.B) { bench(b, size.n, get) })
		transport.CloseIdleConnections()
		server.Close()
	}
}

func bench(b *testing.B, n int, ask func() error) {
	b.Run("sequential", func(b *testing.B) {
		b.SetBytes(int64(n))
		b.ReportAllocs()
		for b.Loop() {
			if err := ask(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetBytes(int64(n))
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := ask(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
