package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestExplainIsGuarded: a page in an operator's browser that has its own name lead to the admin
// listener, or that is of another site, learns nothing of what is stored; health checks may come by
// any name.
func TestExplainIsGuarded(t *testing.T) {
	s := startScurry(t, nil, "--admin-listen=127.0.0.1:0")
	for _, tt := range []struct {
		path, host, site string
		status           int
		text             string
	}{
		{"/explain?url=/files/a", "", "", 200, "Request      GET "},
		{"/explain?url=/files/a", "rebound.example", "", 421,
			`The host \"rebound.example\" isn't this listener's own: ask as localhost`},
		{"/explain?url=/files/a", "", "cross-site", 403, "A page of another site asks for this"},
		{"/healthz", "rebound.example", "cross-site", 200, "ok"},
		{"/readyz", "10.1.2.3:10001", "", 200, "ready"},
	} {
		req, err := http.NewRequest(http.MethodGet, s.admin+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tt.host
		if tt.site != "" {
			req.Header.Set("Sec-Fetch-Site", tt.site)
		}
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != tt.status || !strings.Contains(string(body), tt.text) {
			t.Errorf("%+v: %s %q, %v", tt, res.Status, body, err)
		}
	}
}

// TestExplainAsksAsLocalhost: the command may reach a node by a name that the node doesn't know.
func TestExplainAsksAsLocalhost(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		asked <- r.Host
	}))
	defer server.Close()
	if code := run(t.Context(), []string{"explain", "--admin", server.URL, "/files/a"}, io.Discard,
		io.Discard, nil); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if host := <-asked; host != "localhost" {
		t.Errorf("it asks for host %s", host)
	}
}
