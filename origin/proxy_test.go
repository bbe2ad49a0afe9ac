package origin

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// relayProxy is a proxy that speaks what its scheme says, and asks for credentials.
type relayProxy struct {
	t      *testing.T
	scheme string
	config *tls.Config
	user   string // with the password, as in user:password
}

// startProxy starts a relayProxy that takes the credentials user:sesame, and returns its URL with
// the password that is given.
func startProxy(t *testing.T, scheme, password string) (*rawServer, *url.URL) {
	p := &relayProxy{t: t, scheme: scheme, config: exampleTLS(t), user: "user:sesame"}
	raw := newRawServer(t, p.serve)
	return raw, &url.URL{Scheme: scheme, Host: raw.Host, User: url.UserPassword("user", password)}
}

func (p *relayProxy) serve(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
	switch p.scheme {
	case "socks5":
		p.socks(c, r)
		return
	case "https":
		c = tls.Server(c, p.config)
		defer c.Close()
		r = bufio.NewReader(c)
	}
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user))
		switch {
		case req.Header.Get("Proxy-Authorization") != want:
			io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\n"+
				"Content-Length: 0\r\n\r\n")
		case req.Method == http.MethodConnect:
			p.relay(c, r, req.Host, "HTTP/1.1 200 OK\r\n\r\n")
			return
		case !req.URL.IsAbs():
			p.t.Errorf("the proxy gets %s %s", req.Method, req.RequestURI)
			return
		default:
			p.forward(c, req)
		}
	}
}

// forward answers req with what the server says.
func (p *relayProxy) forward(c net.Conn, req *http.Request) {
	to, err := net.Dial("tcp", req.URL.Host)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer to.Close()
	req.Header.Del("Proxy-Authorization")
	if err := req.Write(to); err != nil {
		p.t.Error(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(to), req)
	if err != nil {
		p.t.Error(err)
		return
	}
	resp.Write(c)
}

// relay says established and copies both ways.
func (p *relayProxy) relay(c net.Conn, r io.Reader, host, established string) {
	to, err := net.Dial("tcp", host)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer to.Close()
	io.WriteString(c, established)
	var up sync.WaitGroup
	up.Go(func() {
		io.Copy(to, r)
		to.Close()
	})
	io.Copy(c, to)
	c.Close()
	up.Wait()
}

// socks is RFC 1928 with the credentials of RFC 1929.
func (p *relayProxy) socks(c net.Conn, r *bufio.Reader) {
	take := func(n byte) []byte {
		b := make([]byte, n)
		io.ReadFull(r, b)
		return b
	}
	take(take(2)[1])
	c.Write([]byte{5, 2})
	user := take(take(2)[1])
	password := take(take(1)[0])
	if string(user)+":"+string(password) != p.user {
		c.Write([]byte{1, 1})
		return
	}
	c.Write([]byte{1, 0})
	var host string
	switch take(4)[3] {
	case 1:
		host = net.IP(take(4)).String()
	case 3:
		host = string(take(take(1)[0]))
	}
	host = fmt.Sprintf("%s:%d", host, binary.BigEndian.Uint16(take(2)))
	p.relay(c, r, host, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
}

// TestProxies: a server is reached through each kind of proxy, and the connection through it is
// used again.
func TestProxies(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", r.Host, " ", r.URL.Path, " ", r.Header["Proxy-Authorization"],
			" ", string(body))
	})
	for name, start := range map[string]func(*httptest.Server){
		"HTTP/1.1":     (*httptest.Server).Start,
		"HTTP/1.1 TLS": (*httptest.Server).StartTLS,
		"HTTP/2.0 TLS": func(o *httptest.Server) { o.EnableHTTP2 = true; o.StartTLS() },
	} {
		o := httptest.NewUnstartedServer(echo)
		start(o)
		t.Cleanup(o.Close)
		for _, scheme := range []string{"http", "https", "socks5"} {
			t.Run(name+" by "+scheme, func(t *testing.T) {
				raw, via := startProxy(t, scheme, "sesame")
				base, err := url.Parse(o.URL)
				check(t, err)
				s := newServer(t, base)
				s.TLS = &tls.Config{InsecureSkipVerify: true}
				s.ProxyFromEnvironment = true
				s.environment = func(*http.Request) (*url.URL, error) { return via, nil }
				for range 3 {
					_, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/a"))
					proto, _, _ := strings.Cut(name, " ")
					if want := proto + " " + base.Host + " /a [] "; body != want || err != nil {
						t.Errorf("%q, %v, want %q", body, err, want)
					}
				}
				want := int64(1)
				if name == "HTTP/1.1 TLS" && scheme == "https" {
					want = 3 // TLS in TLS doesn't show what has come
				}
				if n := raw.conns.Load(); n != want {
					t.Errorf("%d connections, want %d", n, want)
				}
				post := target(t, "POST", s.BaseURL(), "/a")
				post.Body = io.NopCloser(strings.NewReader("acorn"))
				if _, body, err := fetch(s, post); !strings.HasSuffix(body, " acorn") {
					t.Errorf("POST: %q, %v", body, err)
				}
			})
		}
	}
}

// TestProxyRefuses: that a proxy refuses is an error which names the proxy without its credentials.
func TestProxyRefuses(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5", "gopher"} {
		_, via := startProxy(t, scheme, "open")
		s := newServer(t, &url.URL{Scheme: "https", Host: "files.example.com"})
		s.TLS = &tls.Config{InsecureSkipVerify: true}
		s.ProxyFromEnvironment = true
		s.environment = func(*http.Request) (*url.URL, error) { return via, nil }
		_, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/a"))
		if err == nil || !strings.Contains(err.Error(), "proxy "+via.Host) ||
			strings.Contains(err.Error(), "open") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
