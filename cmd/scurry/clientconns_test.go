package main

import (
	"bufio"
	"io"
	"net"
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
	}{{"none", 503, `{limit="client_connections"} 1`}, {"127.0.0.0/8", 404,
		`{limit="client_connections"} 0`}} {
		s := startScurry(t, nil, "--admin-listen=127.0.0.1:0", "--origin="+o.URL,
			"--max-client-connections=1", "--trusted-proxies="+tt.trusted)
		beginTransfer(t, http.MethodGet, s.url+"a")
		if status := statusAlone(t, s.url); status != tt.status {
			t.Errorf("trusted %s: %d", tt.trusted, status)
		}
		_, body, err := get(s.admin + "/metrics")
		if want := "scurry_http_connections_refused_total" + tt.metric; err != nil ||
			!strings.Contains(string(body), want) {
			t.Errorf("trusted %s: there is no %s, %v", tt.trusted, want, err)
		}
		o.goOn <- struct{}{}
	}
}

// statusAlone is the status of the response to a request on a connection of its own. It may come
// before the request has been read, which Go's client takes for a fault.
func statusAlone(t *testing.T, url string) int {
	t.Helper()
	address, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
