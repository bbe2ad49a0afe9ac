package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestMaxClientConnections: a client that has as many connections as it may gets a 503 on one more,
// which is counted, unless it is a proxy that is trusted.
func TestMaxClientConnections(t *testing.T) {
	o := newStalledOrigin(t)
	for _, tt := range []struct {
		trusted string
		status  int
		metric  string
	}{{"none", 503, `{limit="client_connections"} 1`}, {"127.0.0.0/8", 404, `{limit="client_connections"} 0`}} {
		s := startScurry(t, nil, "--admin-listen=127.0.0.1:0", "--origin="+o.URL, "--max-client-connections=1", "--trusted-proxies="+tt.trusted)
		beginTransfer(t, http.MethodGet, s.url+"a")
		if status, _, err := get(strings.TrimSuffix(s.url, "/files/") + "/elsewhere"); err != nil || status != tt.status {
			t.Errorf("trusted %s: %d, %v", tt.trusted, status, err)
		}
		_, body, err := get(s.admin + "/metrics")
		if want := "scurry_http_connections_refused_total" + tt.metric; err != nil || !strings.Contains(string(body), want) {
			t.Errorf("trusted %s: there is no %s, %v", tt.trusted, want, err)
		}
		o.goOn <- struct{}{}
	}
}
