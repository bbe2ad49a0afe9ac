package http1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// FuzzLikeTransport compares what a Client and net/http's Transport make of the same bytes. They
// may differ in what they say of an error, in whether line ends before a response are skipped, and
// in a switch of protocols, which no request asks for.
func FuzzLikeTransport(f *testing.F) {
	for _, response := range []string{
		ok("acorn"),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n" +
			"5;e\r\nacorn\r\n0\r\nX: 1\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\nacorn",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nacorn",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nacorn",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nacorn",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nacorn",
		"HTTP/1.1 200 OK\nA: b\n\nacorn", "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\nacorn", "HTTP/1.1 200\r\n\r\nacorn",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
		"ICY 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\nacorn",
		"HTTP/1.1 200 OK\r\nA : c\r\n\r\nacorn", "HTTP/1.1 200 OK\r\n: c\r\n\r\nacorn",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\nacorn", "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			f.Add(method == http.MethodHead, response)
		}
	}
	f.Fuzz(func(t *testing.T, head bool, response string) {
		_, status, _ := strings.Cut(response, " ")
		if strings.TrimLeft(response, "\r\n") != response || strings.Contains(response, " 101") ||
			strings.HasPrefix(status, " ") {
			t.Skip("it may differ")
		}
		dial := func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				if _, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
					io.WriteString(server, response)
				}
			}()
			return client, nil
		}
		ours := newClient(dial)
		theirs := &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dial(ctx)
			},
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		}
		defer theirs.CloseIdleConnections()
		got, want := outcome(ours, head), outcome(theirs, head)
		if got != want {
			t.Errorf("%q (HEAD: %v):\n%s\nnet/http:\n%s", response, head, got, want)
		}
	})
}

// outcome is all that is to be known of t's response.
func outcome(t http.RoundTripper, head bool) string {
	req := get(context.Background(), "/")
	if head {
		req.Method = http.MethodHead
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "an error"
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.Proto, " ", resp.Status, " ", resp.Header, resp.ContentLength,
		resp.TransferEncoding, resp.Close, resp.Trailer, fmt.Sprintf("%q", b), err != nil)
}
