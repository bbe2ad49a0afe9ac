package admin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

func TestHandler(t *testing.T) {
	var ready atomic.Bool
	draining := make(chan struct{})
	server := httptest.NewServer(admin.Handler(admin.Config{Ready: ready.Load, Draining: draining}))
	defer server.Close()

	const nothing = "{\n  \"title\": \"Not Found\",\n  \"status\": 404,\n  \"detail\": \"there " +
		"is nothing under this path\"\n}\n"
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
		{"GET", "/readyz", false, 503, "starting\n"},
		{"HEAD", "/readyz", true, 200, ""},
		{"HEAD", "/readyz", false, 503, ""},
		{"POST", "/healthz", true, 405, "{\n  \"title\": \"Method Not Allowed\",\n  \"status\": " +
			"405,\n  \"detail\": \"this path has GET, HEAD\"\n}\n"},
		{"PUT", "/readyz", true, 405, "{\n  \"title\": \"Method Not Allowed\",\n  \"status\": " +
			"405,\n  \"detail\": \"this path has GET, HEAD\"\n}\n"},
		{"GET", "/explain?url=/files/a", true, 404, nothing}, // nobody is there to explain
		{"GET", "/", true, 404, nothing},
		{"GET", "/healthz/more", true, 404, nothing},
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

// TestReadiness: a node that isn't ready says whether it hasn't begun or is about to end.
func TestReadiness(t *testing.T) {
	draining := make(chan struct{})
	h := admin.Handler(admin.Config{Ready: func() bool { return false }, Draining: draining})
	for _, want := range []string{"starting\n", "draining\n"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != 503 || w.Body.String() != want {
			t.Errorf("%d %q, want %q", w.Code, w.Body, want)
		}
		if want == "starting\n" {
			close(draining)
		}
	}
}

// TestPurgePaths: what is below /purge goes to Config.Purge as it was sent, however much it looks
// like a path that a ServeMux would clean, if it is a POST; nothing else does.
func TestPurgePaths(t *testing.T) {
	var got []string
	c := full()
	c.Purge = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.EscapedPath()+" "+r.URL.RawQuery)
	})
	h, without := admin.Handler(c), full()
	without.Purge = nil
	for _, tt := range []struct {
		method, path string
		status       int // 200 if it goes to Config.Purge
	}{
		{"POST", "/purge", 200}, {"POST", "/purge/", 200}, {"POST", "/purge//", 200},
		{"POST", "/purge/files/a", 200},
		{"POST", "/purge/files//a", 200}, {"POST", "/purge/files/./a", 200},
		{"POST", "/purge/files/b/../a", 200}, {"POST", "/purge/../stats", 200},
		{"POST", "/purge/http://h/files/a", 200}, {"POST", "/purge/files/a%2Fb%20c", 200},
		{"POST", "/purge/files/a?q=1&r", 200}, {"POST", "/purge/key/a%20b", 200},
		{"POST", "/%70urge/files/a", 200}, {"POST", "/purges", 404}, {"POST", "/purgefiles/a", 404},
		{"POST", "/Purge/a", 404}, {"POST", "//purge/a", 307},
		{"GET", "/purge/files/a", 404}, {"PUT", "/purge/files/a", 404}, {"DELETE", "/purge/files/a",
			404}, {"GET", "/purge", 405}, {"PURGE", "/purge/files/a", 404},
	} {
		got = nil
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		path, query, _ := strings.Cut(tt.path, "?")
		want := []string{tt.method + " " + path + " " + query}
		if tt.status != 200 {
			want = nil
		}
		if w.Code != tt.status || !slices.Equal(got, want) {
			t.Errorf("%s %s: %d, and the purge gets %q", tt.method, tt.path, w.Code, got)
		}
		w = httptest.NewRecorder()
		if admin.Handler(without).ServeHTTP(w, r); w.Code == 200 {
			t.Errorf("%s %s without a purge: %d", tt.method, tt.path, w.Code)
		}
	}
	r := httptest.NewRequest("POST", "/purge/files/a", nil)
	r.Host, got = "evil.example", nil
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMisdirectedRequest || got != nil {
		t.Errorf("for a foreign host: %d, and the purge gets %q", w.Code, got)
	}
}

// TestRoutes: each route answers with what it is told.
func TestRoutes(t *testing.T) {
	server := httptest.NewServer(admin.Handler(full()))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	const text, json = "text/plain; charset=utf-8", "application/json"
	for _, tt := range []struct{ route, contentType, body string }{
		{"GET /readyz", text, "^ready\n$"},
		{"GET /readyz?verbose", text, `^\[\+\] origin: answered now\n\[-\] peer a:1: down\nready\n$`},
		{"GET /version", json, `"version": "v1",`},
		{"GET /config", json, `"name": "memory",\s+"value": "1GiB",\s+"source": "flag"`},
		{"GET /peers", json, `"self": "a:1"`},
		{"GET /stats", json, `"uptime_seconds": 1.5`},
		{"GET /files", json, `"n10"`},
		{"GET /files?n=3", json, `"n3"`},
		{"GET /errors", json, `"text": "EOF"`},
		{"GET /", "", "^GET /$"},
		{"HEAD /", "", "^$"},
		{"GET /dashboard/js/main.js", "", "^GET /dashboard/js/main.js$"},
		{"GET /metrics", "", "^GET /metrics$"},
		{"GET /debug/pprof/", "", "goroutine"},
		{"GET /debug/pprof/heap?debug=1", "", "^heap profile"},
		{"POST /purge", "", "^POST /purge$"},
		{"POST /purge/http://h/a//b/../c%2Fd", "", "^POST /purge/http://h/a//b/../c%2Fd$"},
		{"POST /warm", "", "^POST /warm$"},
	} {
		method, path, _ := strings.Cut(tt.route, " ")
		res, body := ask(t, server, method, path)
		if res.StatusCode != 200 || tt.contentType != "" &&
			res.Header.Get("Content-Type") != tt.contentType ||
			!regexp.MustCompile(tt.body).MatchString(body) {
			t.Errorf("%s: %s %s %q", tt.route, res.Status, res.Header.Get("Content-Type"), body)
		}
	}
	for route, status := range map[string]int{"GET /purge": 405, "GET /purge/a": 404,
		"POST /stats": 405, "GET /events": 503,
		"POST /": 405, "GET /files?n=0": 400, "GET /files?n=101": 400, "GET /files?n=x": 400} {
		method, path, _ := strings.Cut(route, " ")
		if res, body := ask(t, server, method, path); res.StatusCode != status ||
			problem(t, []byte(body)).Status != status {
			t.Errorf("%s: %s %q", route, res.Status, body)
		}
	}
}

// TestSpelledPaths: a path whose characters are escaped is the same path, with the token that the
// node wants and without.
func TestSpelledPaths(t *testing.T) {
	for _, token := range []string{"", "Bearer 0123456789abcdef"} {
		c := full()
		c.Token = []byte("0123456789abcdef")
		h := admin.Handler(c)
		status := func(method, path string) (int, string) {
			r := httptest.NewRequest(method, path, nil)
			r.Host = "localhost"
			r.Header.Set("Authorization", token)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code, w.Header().Get("Content-Type")
		}
		for _, route := range []string{
			"GET /healthz", "GET /readyz", "GET /readyz?verbose", "GET /version", "GET /config",
			"GET /peers", "GET /stats", "GET /files", "GET /errors", "GET /metrics",
			"GET /explain?url=/files/a", "GET /dashboard/js/main.js", "GET /debug/pprof/heap", "POST /purge",
			"POST /purge/files/a", "POST /purge/key/a", "POST /warm", "POST /reload",
			"GET /purge", "GET /none",
		} {
			method, path, _ := strings.Cut(route, " ")
			spelled := fmt.Sprintf("/%%%02x%s", path[1], path[2:])
			code, media := status(method, path)
			if got, gotMedia := status(method, spelled); got != code || gotMedia != media {
				t.Errorf("%s %s: %d %s, and %s: %d %s", method, spelled, got, gotMedia, path, code, media)
			}
			open := []string{"/healthz", "/readyz", "/dashboard/js/main.js"}
			if want := token == "" && !slices.Contains(open, path); want != (code == 401) {
				t.Errorf("%s with %q: %d", route, token, code)
			}
		}
	}
}

func ask(t *testing.T, server *httptest.Server, method, path string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
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
	return res, string(body)
}

// TestBrowserErrors: a person gets an error as text.
func TestBrowserErrors(t *testing.T) {
	r := httptest.NewRequest("GET", "/nowhere", nil)
	r.Host = "localhost"
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	w := httptest.NewRecorder()
	admin.Handler(full()).ServeHTTP(w, r)
	if w.Code != 404 || w.Body.String() != "there is nothing under this path\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
