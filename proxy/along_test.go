package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// brief is a listener whose connections take little at once.
type brief struct{ net.Listener }

func (l brief) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return c, err
}

// TestFirstClientHoldsUpNobody: the body that the first client's request has brought is read in its
// place. While that client takes nothing, or has gone, the others get all of it as fast as they
// take it, through this module's listener and through any other.
func TestFirstClientHoldsUpNobody(t *testing.T) {
	const size, part = 900 << 10, 20 << 10
	content := origintest.Content(0, 0, size)
	for name, first := range map[string]func(t *testing.T, c net.Conn, rest chan struct{}){
		"takes nothing": func(_ *testing.T, _ net.Conn, rest chan struct{}) { close(rest) },
		"leaves":        func(_ *testing.T, c net.Conn, _ chan struct{}) { c.Close() },
	} {
		for _, lane := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", lane: ", lane), func(t *testing.T) {
				n, o := fronting(t, proxy.Config{FirstChunk: 64 << 10, MaxChunk: 256 << 10,
					Slab: 4 << 20, Memory: 64 << 20})
				rest := make(chan struct{})
				o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(size))
					w.Header().Set("Cache-Control", "max-age=60")
					w.Write(content[:part])
					http.NewResponseController(w).Flush()
					<-rest
					w.Write(content[part:])
				})
				o.Handle("/g", origintest.File{Size: 1, Header: maxAge("60")}.ServeHTTP)
				n.get("/files/g") // the next request has a connection to the origin
				server := &httptest.Server{Listener: brief{origintest.Listen(t)},
					Config: &http.Server{Handler: n.Proxy, WriteTimeout: time.Minute}}
				if lane {
					server.Listener = listen.New(server.Listener, server.Config, n.Lane(), 0,
						zerolog.Nop()).Listener()
				}
				server.Start()
				t.Cleanup(func() {
					server.CloseClientConnections()
					server.Close()
				})
				c, err := net.Dial("tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
					t.Fatal(err)
				}
				io.WriteString(c, "GET /files/f HTTP/1.1\r\nHost: a\r\n\r\n")
				if _, err := io.ReadFull(c, make([]byte, 1<<10)); err != nil {
					t.Fatal(err)
				}
				first(t, c, rest)
				resp, err := n.try(http.MethodGet, "/files/f")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got := make([]byte, size)
				if _, err := io.ReadFull(resp.Body, got[:part]); err != nil {
					t.Fatal(err)
				}
				if name == "leaves" {
					close(rest)
				}
				_, err = io.ReadFull(resp.Body, got[part:])
				if err != nil || !bytes.Equal(got, content) {
					t.Fatal("another content, ", err)
				}
				if o.Count() != 2 {
					t.Errorf("%d origin requests", o.Count())
				}
			})
		}
	}
}
