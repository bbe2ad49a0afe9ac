package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

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
