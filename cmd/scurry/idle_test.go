package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestIdleConnections opens connections that are idle after a hit, and looks at what one takes.
func TestIdleConnections(t *testing.T) {
	needsPeakMemory(t, "it opens thousands of connections")
	const connections, limit = 3000, 12 << 10
	o := origintest.New(t)
	o.Handle("/f", origintest.File{Size: 1 << 10, ETag: `"1"`,
		Header: http.Header{"Cache-Control": {"max-age=3600"}}}.ServeHTTP)
	server, pid := startLimited(t, "--memory=128MiB", "--origin", o.URL)
	defer http.DefaultClient.CloseIdleConnections()
	download(t, server+"f", 1<<10)
	u, err := url.Parse(server + "f")
	if err != nil {
		t.Fatal(err)
	}
	before := peakMemory(t, pid)
	for range connections {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET "+u.Path+" HTTP/1.1\r\nHost: "+u.Host+
			"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 1<<10 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	each := (peakMemory(t, pid) - before) / connections
	t.Logf("%d bytes each", each)
	if each > limit {
		t.Errorf("an idle connection takes %d bytes, want at most %d", each, limit)
	}
}
