package dial

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestAddress: names are as DNS has them, and each scheme has its port.
func TestAddress(t *testing.T) {
	for from, want := range map[string]string{
		"http://files.example":        "files.example:80",
		"https://files.example":       "files.example:443",
		"http://files.example:81":     "files.example:81",
		"socks5://proxy.example":      "proxy.example:1080",
		"http://[::1]":                "[::1]:80",
		"http://[fe80::1%25lo]:81":    "[fe80::1%lo]:81",
		"http://b\u00fccher.example/": "xn--bcher-kva.example:80",
		"http://odd_name.example/":    "odd_name.example:80",
	} {
		u, err := url.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		if got := address(u); got != want {
			t.Errorf("%s is at %s, want %s", from, got, want)
		}
	}
	for from, want := range map[string]string{
		"files.example:81": "files.example:81", "[fe80::1%lo]:81": "[fe80::1]:81", "[::1]": "[::1]",
		"b\u00fccher.example:81": "xn--bcher-kva.example:81",
	} {
		if got := Authority(from); got != want {
			t.Errorf("%s in a target is %s, want %s", from, got, want)
		}
	}
}

// scripted is a proxy that reads the head of a request and says what it is told to. It sends the
// request lines to asked.
func scripted(t *testing.T, says string) (via *url.URL, asked chan string) {
	asked = make(chan string, 9)
	raw := origintest.Serve(t, func(_ int64, c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		asked <- req.Method + " " + req.RequestURI
		io.WriteString(c, says)
		r.ReadByte()
	})
	return &url.URL{Scheme: "http", Host: raw.Addr().String()}, asked
}

// dialer returns a Dialer that reaches base through via.
func dialer(base string, via *url.URL) *Dialer {
	u, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	return &Dialer{Base: u, Timeout: time.Minute,
		ProxyFor: func(*http.Request) (*url.URL, error) { return via, nil }}
}

// TestTunnelResponses: a tunnel is used once the proxy says that there is one, and not otherwise.
func TestTunnelResponses(t *testing.T) {
	for says, want := range map[string]string{
		"HTTP/1.1 200 OK\r\n\r\n":                              "",
		"HTTP/1.1 204 No Content\r\n\r\n":                      "",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n": "",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n":         "",
		"HTTP/1.1 200 OK\r\n\r\nearly":                         "before the tunnel",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n":  "403",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10): "EOF",
		"SSH-2.0-proxy\r\n\r\n":                                "malformed",
	} {
		via, asked := scripted(t, says)
		conn, err := dialer("https://[2001:db8::1]/", via).reach(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", says, err, want)
		}
		if got := <-asked; got != "CONNECT [2001:db8::1]:443" {
			t.Errorf("asked for %s", got)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// TestSilentProxy: the wait for a proxy ends with its timeout, which is that of a connection, and
// with the context.
func TestSilentProxy(t *testing.T) {
	via, asked := scripted(t, "")
	d := dialer("https://files.example/", via)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	go func() {
		<-asked
		cancel(gone)
	}()
	if _, err := d.Connect(ctx); !errors.Is(err, gone) {
		t.Errorf("ended: %v", err)
	}
	d.Timeout = 50 * time.Millisecond
	_, err := d.Connect(t.Context())
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" || !op.Timeout() || !strings.Contains(err.Error(), via.Host) {
		t.Errorf("in time: %v", err)
	}
}

// TestProxyErrors: what is wrong with a proxy is said without its credentials, and without a
// connection.
func TestProxyErrors(t *testing.T) {
	via, asked := scripted(t, "")
	via.Scheme, via.User = "gopher", url.UserPassword("user", "sesame")
	d := dialer("http://files.example/", via)
	_, err := d.Connect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "gopher") || len(asked) > 0 {
		t.Errorf("%v, asked %d times", err, len(asked))
	}
	d.ProxyFor = func(*http.Request) (*url.URL, error) {
		return nil, fmt.Errorf("can't parse %v", via)
	}
	if _, again := d.Connect(t.Context()); again == nil || strings.Contains(fmt.Sprint(err, again),
		"sesame") {
		t.Errorf("%v, %v", err, again)
	}
}
