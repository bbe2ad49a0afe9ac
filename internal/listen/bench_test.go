package listen_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/listen"
)

// BenchmarkRequest is what a request costs over a kept connection, client and all, with net/http
// alone and with what this package adds.
func BenchmarkRequest(b *testing.B) {
	content := make([]byte, 1<<10)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"], w.Header()["Content-Type"] = []string{"1024"},
			[]string{"text/plain"}
		w.Header()["Date"] = []string{"Sat, 28 Nov 2026 11:00:00 GMT"}
		w.Write(content)
	})
	b.Run("http", func(b *testing.B) {
		s := &http.Server{Handler: handler}
		l := listenOn(b)
		go s.Serve(l)
		defer s.Close()
		exchange(b, l.Addr().String())
	})
	b.Run("listen", func(b *testing.B) {
		l := listenOn(b)
		s := listen.New(l, &http.Server{Handler: handler}, nil, 0, zerolog.Nop())
		go s.Serve()
		defer s.Drain(context.Background())
		exchange(b, l.Addr().String())
	})
}

func listenOn(b *testing.B) net.Listener {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// exchange sends a browser's request again and again, and reads the response.
func exchange(b *testing.B, address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	request := []byte("GET /files/a HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: Mozilla/5.0 " +
		"(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nCookie: a=b\r\n\r\n")
	response := make([]byte, len("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nContent-Type: "+
		"text/plain\r\nDate: Sat, 28 Nov 2026 11:00:00 GMT\r\n\r\n")+1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, response); err != nil {
			b.Fatal(err)
		}
	}
}
