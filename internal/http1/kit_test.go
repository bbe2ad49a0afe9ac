package http1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
)

// server is what a Client is tested against.
type server struct{ *origintest.Raw }

// start calls serve for each connection, in a goroutine of its own.
func start(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) server {
	t.Helper()
	return server{origintest.Serve(t, func(_ int64, c net.Conn, r *bufio.Reader) { serve(c, r) })}
}

// client returns a Client of s whose connections end with the test.
func (s server) client(t *testing.T) *Client {
	c := newClient(func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr().String())
		if err != nil {
			return nil, err
		}
		return NewSocket(conn, false), nil
	})
	t.Cleanup(c.CloseIdle)
	return c
}

func newClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{
		Dial:           dial,
		HeaderTimeout:  time.Minute,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 64 << 10,
		MaxIdleConns:   8,
		Trusted:        func() bool { return true },
		Unsolicited:    func([]string) {},
	}
}

// notes has c note which URLs it tells of, and returns what checks that.
func notes(t *testing.T, c *Client) (expectTold func(want ...string)) {
	var told []string
	c.Unsolicited = func(urls []string) { told = append(told, urls...) }
	return func(want ...string) {
		t.Helper()
		if !slices.Equal(told, want) {
			t.Errorf("told of %q, want %q", told, want)
		}
	}
}

func get(ctx context.Context, path string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://files.example"+path, nil)
	if err != nil {
		panic(err)
	}
	return req
}

// whole returns the body of c's response to req, or the first error.
func whole(c *Client, req *http.Request) (string, error) {
	resp, err := c.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// paths answers each request with its path.
func paths(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.WriteString(c, ok(req.URL.Path))
	}
}
