package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

// TestGuard: all but the health checks are for those who operate the node, and for no page that
// their browser shows.
func TestGuard(t *testing.T) {
	const otherHost, otherSite = "isn't this listener's own: ask as localhost",
		"A page of another site"
	tests := []struct {
		listen, arrival, host string
		fields                []string // names and values
		refused               string
	}{
		{"127.0.0.1", "127.0.0.1", "127.0.0.1:10001", nil, ""},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1", nil, ""},
		{"127.0.0.1", "127.0.0.1", "localhost:9999", nil, ""}, // through a tunnel
		{"127.0.0.1", "127.0.0.1", "LOCALHOST.:10001", nil, ""},
		{"127.0.0.1", "127.0.0.1", "[::1]:10001", nil, ""},
		{"127.0.0.1", "127.0.0.1", "[::ffff:127.0.0.1]:10001", nil, ""},
		{"127.0.0.1", "127.0.0.1", "evil.example:10001", nil, otherHost},
		{"127.0.0.1", "127.0.0.1", "localhost.evil.example", nil, otherHost},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1.evil.example", nil, otherHost},
		{"127.0.0.1", "127.0.0.1", "0x7f000001", nil, otherHost},
		{"127.0.0.1", "127.0.0.1", "192.0.2.1:10001", nil, otherHost},
		{"127.0.0.1", "127.0.0.1", "0.0.0.0:10001", nil, otherHost},
		{"127.0.0.1", "127.0.0.1", "", nil, otherHost},
		{"192.0.2.1", "192.0.2.1", "192.0.2.1:10001", nil, ""},
		{"192.0.2.1", "192.0.2.1", "192.0.2.2:10001", nil, otherHost},
		{"node1.example", "192.0.2.1", "Node1.Example:10001", nil, ""},
		{"node1.example", "192.0.2.1", "192.0.2.1:10001", nil, ""},
		{"node1.example", "192.0.2.1", "node2.example:10001", nil, otherHost},
		{"", "192.0.2.1", "192.0.2.1:10001", nil, ""},
		{"0.0.0.0", "172.17.0.2", "192.0.2.1:10001", nil, ""}, // behind another address
		{"::", "2001:db8::1", "[2001:db8::1]:10001", nil, ""},
		{"::", "fe80::1", "[fe80::1%25eth0]:10001", nil, ""},
		{"", "192.0.2.1", "evil.example", nil, otherHost},
		{"", "192.0.2.1", "", nil, otherHost},

		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "none"}, ""},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "same-origin"},
			""},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "same-site"},
			otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "cross-site"},
			otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "http://localhost:10001"},
			""},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "http://localhost:3000"},
			otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "https://evil.example"},
			otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "null"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "evil.example", []string{"Origin", "http://evil.example",
			"Sec-Fetch-Site", "same-origin"}, otherHost},
	}
	for _, tt := range tests {
		c := full()
		c.Host = tt.listen
		handler := admin.Handler(c)
		for route, open := range routes {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Host = tt.host
			for i := 0; i < len(tt.fields); i += 2 {
				r.Header.Set(tt.fields[i], tt.fields[i+1])
			}
			at := &net.TCPAddr{IP: net.ParseIP(tt.arrival), Port: 10001}
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, at))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			status := map[string]int{otherHost: 421, otherSite: 403}[tt.refused]
			switch refused := w.Code == 421 || w.Code == 403; {
			case open || status == 0:
				if refused {
					t.Errorf("%+v: %s is answered %d", tt, route, w.Code)
				}
			case w.Code != status, w.Header().Get("Content-Type") != "application/problem+json",
				w.Header().Get("X-Content-Type-Options") != "nosniff",
				problem(t, w.Body.Bytes()).Status != w.Code,
				!strings.Contains(w.Body.String(), tt.refused):
				t.Errorf("%+v: %s is answered %d %v %q", tt, route, w.Code, w.Header(), w.Body)
			}
		}
	}
}

// routes are all routes, and whether they are open to health checks.
var routes = map[string]bool{
	"GET /healthz": true, "HEAD /healthz": true, "GET /readyz": true, "GET /readyz?verbose": false,
	"GET /explain?url=/files/a": false, "GET /explain": false, "GET /version": false,
	"GET /config": false,
	"GET /peers":  false, "GET /stats": false, "GET /events": false, "GET /metrics": false,
	"GET /debug/pprof/": false, "GET /debug/pprof/goroutine": false,
	"GET /debug/pprof/symbol":  false,
	"POST /debug/pprof/symbol": false, "POST /purge": false, "POST /purge/key/k": false,
	"POST /warm":    false,
	"POST /healthz": false, "DELETE /nowhere": false, "GET /files": false, "GET /errors": false,
	"GET /": false, "HEAD /": false, "GET /dashboard/js/main.js": false, "POST /": false,
	"GET /dashboard": false,
}

// pages are those of the routes that have the dashboard's page.
var pages = map[string]bool{"GET /": true, "HEAD /": true, "GET /dashboard/js/main.js": true}

// full is a node that tells everything, and drains, so that events end.
func full() admin.Config {
	drains := make(chan struct{})
	close(drains)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w,
			r.Method+" "+r.URL.String())
	})
	return admin.Config{
		Ready: func() bool { return true },
		Checks: func() []admin.Check {
			return []admin.Check{{"origin", true, "answered now"}, {"peer a:1", false, "down"}}
		},
		Draining: drains,
		Explain:  explained,
		Version:  &admin.Version{Version: "v1"},
		Settings: func() []admin.Setting { return []admin.Setting{{"memory", "1GiB", "flag"}} },
		Peers:    func() admin.Peers { return admin.Peers{Self: "a:1"} },
		Stats:    func() admin.Stats { return admin.Stats{UptimeSeconds: 1.5} },
		Files:    func(n int) admin.Files { return admin.Files{Hottest: []admin.HotFile{{URL: fmt.Sprint("n", n)}}} },
		Errors:   func() admin.Errors { return admin.Errors{Origin: []admin.OriginError{{Text: "EOF"}}} },
		Metrics:  echo, Purge: echo, Warm: echo, Dashboard: echo,
	}
}

func problem(t *testing.T, body []byte) (p admin.Problem) {
	t.Helper()
	if err := json.Unmarshal(body, &p); err != nil {
		t.Error(err)
	}
	return p
}

// TestErrorsAreProblems: whatever is wrong, a program gets a problem document, and a browser text.
func TestErrorsAreProblems(t *testing.T) {
	c := full()
	c.Warm = admin.NewWarm(nil, c.Draining)
	c.Reload = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admin.Refuse(w, r,
			422, "no such file")
	})
	h := admin.Handler(c)
	for _, route := range []string{
		"GET /none", "POST /stats", "DELETE /", "GET /purge", "GET /warm", "POST /warm",
		"POST /reload", "GET /reload", "GET /explain",
		"GET /explain?url=a", "GET /explain?x=y", "GET /files?n=x", "GET /events", "POST /explain",
		"POST /metrics", "PUT /readyz?verbose", "GET /debug/pprof/none", "PUT /debug/pprof/",
	} {
		for _, accept := range []string{"", "*/*", "application/json", "text/html,*/*"} {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Host = "localhost"
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := "application/problem+json"
			if accept == "text/html,*/*" {
				want = "text/plain; charset=utf-8"
			}
			if got := w.Header().Get("Content-Type"); w.Code < 400 || got != want {
				t.Errorf("%s for %q: %d %s", route, accept, w.Code, got)
				continue
			}
			if p := (admin.Problem{}); want == "application/problem+json" {
				if p = problem(t, w.Body.Bytes()); p.Status != w.Code || p.Detail == "" {
					t.Errorf("%s: %+v", route, p)
				}
			}
		}
	}
}

// TestLinkToDashboard: a link of another site may lead to the page, and that site may have nothing else, nor the page in
// its own.
func TestLinkToDashboard(t *testing.T) {
	link := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest",
		"document"}
	with := func(more ...string) []string { return append(slices.Clone(link), more...) }
	for _, tt := range []struct {
		route  string
		fields []string
		status int
	}{
		{"GET /", link, 200},
		{"GET /?a=b", link, 200},
		{"GET /", with("Sec-Fetch-User", "?1"), 200},
		{"GET /", with("Sec-Fetch-Site", "same-site"), 200},
		{"GET /", with("Sec-Fetch-Dest", "iframe"), 403},
		{"GET /", with("Sec-Fetch-Mode", "no-cors"), 403},
		{"GET /", with("Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Origin",
			"https://evil.example"), 403},
		{"HEAD /", link, 403},
		{"POST /", link, 403},
		{"GET /dashboard/js/main.js", link, 403},
		{"GET /dashboard/js/main.js", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode",
			"no-cors", "Sec-Fetch-Dest", "script"}, 403},
		{"GET /dashboard/js/main.js", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode",
			"cors", "Sec-Fetch-Dest", "script"}, 200},
		{"GET /stats", link, 403},
		{"GET /explain?url=/files/a", link, 403},
		{"POST /purge", link, 403},
	} {
		c := full()
		c.Host = "127.0.0.1"
		for _, host := range []string{"localhost", "evil.example"} {
			method, path, _ := strings.Cut(tt.route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Host = host
			for i := 0; i < len(tt.fields); i += 2 {
				r.Header.Set(tt.fields[i], tt.fields[i+1])
			}
			w := httptest.NewRecorder()
			admin.Handler(c).ServeHTTP(w, r)
			want := tt.status
			if host == "evil.example" {
				want = 421
			}
			if w.Code != want {
				t.Errorf("%s of %s with %v: %d, want %d", tt.route, host, tt.fields, w.Code, want)
			}
		}
		c.Dashboard = nil
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = "localhost"
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		if admin.Handler(c).ServeHTTP(w, r); w.Code != 403 {
			t.Errorf("without a dashboard: %d", w.Code)
		}
	}
}

// TestToken: with a token, all but the health checks and the dashboard's page are for those who
// have it.
func TestToken(t *testing.T) {
	c := full()
	c.Token = []byte("0123456789abcdef")
	handler := admin.Handler(c)
	for given, right := range map[string]bool{
		"": false, "Bearer 0123456789abcdef": true, "bearer 0123456789abcdef": true,
		"Bearer": false, "Bearer ": false, "Bearer 0123456789abcde": false,
		"Bearer 0123456789abcdeg":  false,
		"Bearer 0123456789abcdeff": false, "0123456789abcdef": false,
		"Basic 0123456789abcdef": false,
	} {
		for route, open := range routes {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Host = "localhost"
			if given != "" {
				r.Header.Set("Authorization", given)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			refused := w.Code == 401
			if refused == (open || right || pages[route]) {
				t.Errorf("%q: %s is answered %d", given, route, w.Code)
			}
			if refused && (w.Header().Get("WWW-Authenticate") != `Bearer realm="scurry admin"` ||
				problem(t, w.Body.Bytes()).Status != 401) {
				t.Errorf("%q: %s is answered %v %q", given, route, w.Header(), w.Body)
			}
		}
	}
}

// TestGuardOverSockets: the address at which a request arrives is known to be the listener's own.
func TestGuardOverSockets(t *testing.T) {
	server := httptest.NewServer(admin.Handler(admin.Config{Ready: func() bool { return true },
		Explain: explained, Host: "node1.example"}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	for host, status := range map[string]int{"": 200, "node1.example": 200, "node2.example": 421,
		"192.0.2.1": 421} {
		req, err := http.NewRequest("GET", server.URL+"/explain?url=/files/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host // the URL's if it is empty
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%q: %s, want %d", host, res.Status, status)
		}
	}
}
