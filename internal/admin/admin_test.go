package admin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

func TestHandler(t *testing.T) {
	var ready atomic.Bool
	server := httptest.NewServer(admin.Handler(admin.Config{Ready: ready.Load}))
	defer server.Close()

	tests := []struct {
		method, path string
		ready        bool
		status       int
		body         string
	}{
		{"GET", "/healthz", true, 200, "ok\n"},
		{"GET", "/healthz", false, 200, "ok\n"},
		{"HEAD", "/healthz", true, 200, ""},
		{"GET", "/readyz", true, 200, "ready\n"},
		{"GET", "/readyz", false, 503, "draining\n"},
		{"HEAD", "/readyz", true, 200, ""},
		{"HEAD", "/readyz", false, 503, ""},
		{"POST", "/healthz", true, 405, "Method Not Allowed\n"},
		{"PUT", "/readyz", true, 405, "Method Not Allowed\n"},
		{"GET", "/explain?url=/files/a", true, 404, "404 page not found\n"}, // nobody is there to explain
		{"GET", "/", true, 404, "404 page not found\n"},
		{"GET", "/healthz/more", true, 404, "404 page not found\n"},
	}
	for _, tt := range tests {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			ready.Store(tt.ready)
			req, err := http.NewRequest(tt.method, server.URL+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("got %d %q, want %d %q", res.StatusCode, body, tt.status, tt.body)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q, want no-store", got)
			}
			if tt.status == 405 && res.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow %q, want GET, HEAD", res.Header.Get("Allow"))
			}
		})
	}
}
