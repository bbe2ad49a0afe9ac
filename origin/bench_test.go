package origin

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// BenchmarkKept compares a Server on kept connections with the http.Transport that it is made over.
func BenchmarkKept(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		body := make([]byte, size)
		o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
			_ *http.Request) {
			w.Write(body)
		}))
		defer o.Close()
		base, err := url.Parse(o.URL)
		if err != nil {
			b.Fatal(err)
		}
		server := HTTP(base)
		defer server.CloseIdleConnections()
		plain := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256,
			DialContext: (&net.Dialer{}).DialContext}
		defer plain.CloseIdleConnections()
		for _, many := range []bool{false, true} {
			for name, t := range map[string]http.RoundTripper{"Server": server,
				"Transport": plain} {
				b.Run(fmt.Sprintf("size=%d/many=%v/by=%s", size, many, name), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(size))
					if !many {
						for b.Loop() {
							roundTrip(b, t, base)
						}
						return
					}
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							roundTrip(b, t, base)
						}
					})
				})
			}
		}
	}
}

func roundTrip(b *testing.B, t http.RoundTripper, base *url.URL) {
	resp, err := t.RoundTrip((&http.Request{Method: "GET", URL: base,
		Header: http.Header{}}).WithContext(b.Context()))
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		b.Error(err)
	}
}
