package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

// TestGuard: /explain is for those who operate the node, and for no page that their browser shows.
func TestGuard(t *testing.T) {
	const otherHost, otherSite = "isn't this listener's own: ask as localhost", "A page of another site"
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
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "same-origin"}, ""},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "same-site"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Sec-Fetch-Site", "cross-site"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "http://localhost:10001"}, ""},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "http://localhost:3000"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "https://evil.example"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "null"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "localhost:10001", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}, otherSite},
		{"127.0.0.1", "127.0.0.1", "evil.example", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, otherHost},
	}
	for _, tt := range tests {
		handler := admin.Handler(admin.Config{Ready: func() bool { return true }, Explain: echo, Host: tt.listen})
		for _, path := range []string{"/explain?url=/files/a", "/explain", "/healthz", "/readyz"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = tt.host
			for i := 0; i < len(tt.fields); i += 2 {
				r.Header.Set(tt.fields[i], tt.fields[i+1])
			}
			at := &net.TCPAddr{IP: net.ParseIP(tt.arrival), Port: 10001}
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, at))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			guarded := strings.HasPrefix(path, "/explain")
			if got, want := w.Code == 403, guarded && tt.refused != ""; got != want {
				t.Errorf("%+v: %s is answered %d", tt, path, w.Code)
			} else if want && (!strings.Contains(w.Body.String(), tt.refused) || strings.Count(w.Body.String(), "\n") != 1 ||
				w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("X-Content-Type-Options") != "nosniff") {
				t.Errorf("%+v: %s is answered %v %q", tt, path, w.Header(), w.Body)
			}
		}
	}
}

// TestGuardOverSockets: the address at which a request arrives is known to be the listener's own.
func TestGuardOverSockets(t *testing.T) {
	server := httptest.NewServer(admin.Handler(admin.Config{Ready: func() bool { return true }, Explain: echo, Host: "node1.example"}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	for host, status := range map[string]int{"": 200, "node1.example": 200, "node2.example": 403, "192.0.2.1": 403} {
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
