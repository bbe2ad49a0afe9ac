package admin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

// TestReload: a node reloads at a POST of someone who operates it, and at nothing else.
func TestReload(t *testing.T) {
	reload := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w,
			"reloaded\n")
	})
	h := admin.Handler(admin.Config{Ready: func() bool { return true }, Host: "127.0.0.1",
		Reload: reload})
	without := admin.Handler(admin.Config{Ready: func() bool { return true }, Host: "127.0.0.1"})
	for _, tt := range []struct {
		h                    http.Handler
		method, host, origin string
		status               int
	}{
		{h, "POST", "localhost:10001", "", 200},
		{h, "GET", "localhost:10001", "", 405},
		{h, "POST", "evil.example:10001", "", 421},
		{h, "POST", "localhost:10001", "http://evil.example", 403},
		{without, "POST", "localhost:10001", "", 404},
	} {
		r := httptest.NewRequest(tt.method, "/reload", nil)
		if r.Host = tt.host; tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		tt.h.ServeHTTP(w, r)
		if w.Code != tt.status || (w.Body.String() == "reloaded\n") != (tt.status == 200) {
			t.Errorf("%s for %s, from %q: %d %q", tt.method, tt.host, tt.origin, w.Code, w.Body)
		}
	}
}
