package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestUpgrades: nothing but a WebSocket's GET is forwarded with its Upgrade, and that only where it
// is wanted. All others are served as if they didn't ask.
func TestUpgrades(t *testing.T) {
	for _, on := range []bool{false, true} {
		n, o := fronting(t, proxy.Config{WebSocket: on})
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			if upgrade := r.Header.Get("Upgrade"); upgrade != "" {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: "+
					"Upgrade\r\nUpgrade: %s\r\n\r\n", upgrade)
			}
		})
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS",
			"PROPFIND", "FROB"} {
			for _, fields := range []string{
				"Connection: Upgrade\r\nUpgrade: websocket",
				"Connection: keep-alive, upgrade\r\nUpgrade: WebSocket",
				"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: " +
					"AAMAAABkAARAAAAAAAIAAAAA",
				"Connection: Upgrade\r\nUpgrade: h2c, websocket",
				"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c",
				"Connection: Upgrade\r\nUpgrade: TLS/1.3", "Connection: Upgrade\r\nUpgrade: \xff",
				"Upgrade: websocket", "Connection: Upgrade",
			} {
				o.Forget()
				answer := n.raw(method + " /files/f HTTP/1.1\r\nHost: n\r\nConnection: close\r\n" +
					fields + "\r\n\r\n")
				switches := on && method == "GET" && strings.HasSuffix(strings.ToLower(fields),
					"upgrade\r\nupgrade: websocket")
				want := "HTTP/1.1 200"
				if switches {
					want = "HTTP/1.1 101"
				}
				if !strings.HasPrefix(answer, want) {
					t.Errorf("%v, %s with %q: %.60q", on, method, fields, answer)
				}
				for _, r := range o.Requests() {
					if h := r.Header; switches != (h.Get("Upgrade") != "") ||
						switches != (h.Get("Connection") == "Upgrade") ||
						h.Get("Http2-Settings") != "" {
						t.Errorf("%v, %s with %q: the origin got %v", on, method, fields, h)
					}
				}
			}
		}
	}
}

// TestUpgradeInHTTP10 means nothing (RFC 9110 section 7.8).
func TestUpgradeInHTTP10(t *testing.T) {
	n, o := fronting(t, proxy.Config{WebSocket: true})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {})
	n.raw("GET /files/f HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if r := o.Requests(); len(r) != 1 || r[0].Header["Upgrade"] != nil {
		t.Errorf("the origin got %v", r)
	}
}

// TestHosts: a request for no possible host gets a 400, wherever it names it (RFC 9112 section
// 3.2).
func TestHosts(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {})
	for head, want := range map[string]int{
		"GET /files/f HTTP/1.1\r\nHost: n":                   200,
		"GET /files/f HTTP/1.1\r\nHost:":                     200,
		"GET /files/f HTTP/1.1\r\nHost: [::1]:80":            200,
		"GET /files/f HTTP/1.0":                              200,
		"GET http://n:80/files/f HTTP/1.1\r\nHost: other":    200,
		"GET /files/f HTTP/1.1":                              400,
		"GET /files/f HTTP/1.1\r\nHost: n\r\nHost: n":        400,
		"GET /files/f HTTP/1.1\r\nHost: a:b:c":               400,
		"GET /files/f HTTP/1.1\r\nHost: [::1":                400,
		"GET /files/f HTTP/1.1\r\nHost: ::1":                 400,
		"GET /files/f HTTP/1.1\r\nHost: n:99999":             400,
		"GET /files/f HTTP/1.1\r\nHost: a b":                 400,
		"GET /files/f HTTP/1.1\r\nHost: u@n":                 400,
		"GET /files/f HTTP/1.1\r\nHost: n/x":                 400,
		"GET /files/f HTTP/1.1\r\nHost: a, b":                400,
		"GET /files/f HTTP/1.0\r\nHost: a:b:c":               400,
		"POST /files/f HTTP/1.1\r\nHost: a:b:c":              400,
		"GET /zk?key=f HTTP/1.1\r\nHost: a:b:c":              400,
		"GET /nothing HTTP/1.1\r\nHost: a:b:c":               400,
		"GET http://a:b:c/files/f HTTP/1.1\r\nHost: n":       400,
		"GET http://[::1/files/f HTTP/1.1\r\nHost: n":        400,
		"GET http://u@n/files/f HTTP/1.1\r\nHost: n":         400,
		"GET http://u:p@n/files/f HTTP/1.1\r\nHost: n":       400,
		"GET http://a%zz/files/f HTTP/1.1\r\nHost: n":        400,
		"GET http://n:99999/files/f HTTP/1.1\r\nHost: n":     400,
		"BREW /files/f HTTP/1.1\r\nHost: [fe80::1%25eth0]:1": 400,
	} {
		o.Forget()
		answer := n.raw(head + "\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, fmt.Sprint("HTTP/1.1 ", want)) && !strings.HasPrefix(answer,
			fmt.Sprint("HTTP/1.0 ", want)) {
			t.Errorf("%q: %.60q, want %d", head, answer, want)
		}
		if want == 400 && o.Count() > 0 {
			t.Errorf("%q: the origin was asked %v", head, o.Requests())
		}
	}
}

// TestOptionsOfTheServer is answered by the server (RFC 9110 section 9.3.7), where net/http leaves
// it to the handler.
func TestOptionsOfTheServer(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	bare := newServerOf(t, &http.Server{Handler: n.Proxy, DisableGeneralOptionsHandler: true})
	answer := ask(t, bare, "OPTIONS * HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"HTTP/1.1 200", "Allow: GET, HEAD, OPTIONS\r\n",
		"Cache-Status: scurry\r\n", "Content-Length: 0\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("%q isn't in %q", want, answer)
		}
	}
	if o.Count() > 0 {
		t.Errorf("the origin was asked %v", o.Requests())
	}
}

// newServerOf starts a server like s on loopback and returns its address.
func newServerOf(t *testing.T, s *http.Server) string {
	t.Helper()
	started := &httptest.Server{Listener: origintest.Listen(t), Config: s}
	started.Start()
	t.Cleanup(started.Close)
	return started.Listener.Addr().String()
}

// ask sends text to address and returns all that comes back.
func ask(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

// TestMalformedBodies: a request whose body has no end gets a 400, with or without a timeout, and
// its connection ends; what the origin has got of it never looks complete.
func TestMalformedBodies(t *testing.T) {
	for _, timeout := range []time.Duration{time.Minute, -1} {
		n, o := fronting(t, proxy.Config{WriteTimeout: timeout})
		var begun, ended, complete atomic.Int64
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			begun.Add(1)
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				complete.Add(1)
			}
			ended.Add(1)
		})
		for _, method := range []string{"POST", "PUT", "PATCH", "FROB"} {
			for _, body := range []string{
				"5\r\nacorn\r\nxyz\r\n", "5\r\nacornX\r\n0\r\n\r\n", "5\r\nacorn\r\n-1\r\n\r\n",
				"5\r\nacorn\r\n0x3\r\nnut\r\n0\r\n\r\n",
				"5\nacorn\r\n0\r\n\r\n", "5\r\nacorn\n0\r\n\r\n",
				"5\r\nacorn\r\n 3\r\nnut\r\n0\r\n\r\n", "5\r\nacorn\r\n;a\r\n0\r\n\r\n",
				"5\r\nacorn\r\nfffffffffffffffff\r\n", "5\r\nacorn\r\n0\r\nno field\r\n\r\n",
				"5\r\nacorn\r\n+3\r\nnut\r\n0\r\n\r\n",
			} {
				answer := n.raw(method + " /files/f HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
					"chunked\r\n\r\n" + body + "GET /files/smuggled HTTP/1.1\r\nHost: n\r\n\r\n")
				if !strings.HasPrefix(answer, "HTTP/1.1 400") || !strings.Contains(answer,
					"Connection: close\r\n") || strings.Count(answer, "HTTP/1.1") > 1 {
					t.Errorf("%s with %q: %q", method, body, answer)
				}
			}
		}
		eventually(t, "the origin's requests end",
			func() bool { return begun.Load() == ended.Load() })
		if complete.Load() > 0 || o.Count() != int(begun.Load()) {
			t.Errorf("to the origin, %d of %v look complete", complete.Load(), o.Requests())
		}
	}
}

// TestBodyLimitOfTheEmbedder: who limits bodies around the proxy gets the status for it.
func TestBodyLimitOfTheEmbedder(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	address := newServerOf(t, &http.Server{Handler: http.MaxBytesHandler(n.Proxy, 10)})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /files/f HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"+strings.Repeat("x", 11)+"\r\n0\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

// TestClientLeavesAmidBody: nobody is there to be answered, and the origin's request is aborted.
func TestClientLeavesAmidBody(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	came := make(chan error, 1)
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		came <- err
	})
	for _, framing := range []string{"Content-Length: 10\r\n\r\nacorn",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nacorn\r\n",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nac"} {
		c, err := net.Dial("tcp", n.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "POST /files/f HTTP/1.1\r\nHost: n\r\n"+framing)
		eventually(t, "the origin is asked", func() bool { return o.Count() == 1 })
		c.Close()
		if err := <-came; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: the origin's request ends with %v", framing, err)
		}
		o.Forget()
	}
}
