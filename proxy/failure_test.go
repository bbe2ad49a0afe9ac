package proxy_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// rawOrigin is an origin that answers every connection with answer, once a request's head has come,
// and closes it; or says nothing if answer is nil.
func rawOrigin(t *testing.T, answer func(net.Conn)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				if _, err := c.Read(make([]byte, 4096)); err == nil && answer != nil {
					answer(c)
					c.Close()
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
}

func say(text string) func(net.Conn) { return func(c net.Conn) { io.WriteString(c, text) } }

func TestOriginFailures(t *testing.T) {
	closed := rawOrigin(t, nil)
	l := origintest.Listen(t) // at an address that nothing else takes when it is closed
	refusing := &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	l.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	untrusted, err := url.Parse(secure.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	wanting := httptest.NewUnstartedServer(http.NotFoundHandler())
	wanting.Config.ErrorLog = quiet
	wanting.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	wanting.StartTLS()
	t.Cleanup(wanting.Close)
	wantsCertificate, err := url.Parse(wanting.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	silent := *closed
	silent.Scheme = "https"
	plain := *untrusted
	plain.Scheme = "https"
	plain.Host = rawOrigin(t, say("HTTP/1.1 200 OK\r\n\r\n")).Host

	for name, c := range map[string]struct {
		base   *url.URL
		status int
		kind   string
	}{
		"refusing": {refusing, 502, "connection_refused"},
		"hanging":  {closed, 504, "http_response_timeout"},
		"closing":  {rawOrigin(t, say("")), 502, "connection_terminated"},
		"garbage": {rawOrigin(t, say("\x00\x01garbage\r\n\r\n")), 502,
			"http_protocol_error"},
		"huge header": {rawOrigin(t, say("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x",
			10<<20)+"\r\n\r\n")), 502, "http_protocol_error"},
		"bad transfer-encoding": {rawOrigin(t, say("HTTP/1.1 200 OK\r\nTransfer-Encoding: "+
			"nuts\r\nCache-Control: max-age=60\r\n\r\nx")), 502, "http_protocol_error"},
		"untrusted certificate": {untrusted, 502, "tls_certificate_error"},
		"no TLS":                {&plain, 502, "tls_protocol_error"},
		"no TLS handshake":      {&silent, 504, "connection_timeout"},
		"wants a certificate":   {wantsCertificate, 502, "tls_alert_received"},
	} {
		t.Run(name, func(t *testing.T) {
			server := origin.HTTP(c.base)
			if name == "hanging" { // else a slow machine would time out
				server.HeaderTimeout = 300 * time.Millisecond
			}
			if name == "no TLS handshake" {
				server.TLSTimeout = 300 * time.Millisecond
			}
			server.TLS = &tls.Config{InsecureSkipVerify: name == "wants a certificate"}
			t.Cleanup(server.CloseIdleConnections)
			var log logbook
			logger := zerolog.New(&log)
			n := newNode(t, proxy.Config{Origin: server, Logger: &logger})
			for _, method := range []string{"GET", "HEAD", "POST"} {
				resp, b := n.read(n.do(method, "/files/secret?token=1"))
				if resp.StatusCode != c.status {
					t.Errorf("%s: %s", method, resp.Status)
				}
				if got, want := resp.Header.Get("Proxy-Status"), "scurry; error="+
					c.kind; got != want {
					t.Errorf("%s: Proxy-Status %q, want %q", method, got, want)
				}
				n.cacheStatus(resp, "detail="+c.kind)
				if want := fmt.Sprintf("%d %s\n", c.status,
					http.StatusText(c.status)); method != "HEAD" && string(b) != want {
					t.Errorf("%s: text %q", method, b)
				}
			}
			if s := n.Stats(); s.Records != 0 || s.Chunks != 0 || s.Failures != 3 {
				t.Errorf("%+v", s)
			}
			n.Server.Close()
			if errs := strings.Count(log.String(), `"error":`); errs != 3 {
				t.Errorf("3 failures were logged as %d errors:\n%s", errs, log.String())
			}
		})
	}
}

func TestFailureIsSharedByThoseWhoWait(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	all := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		<-all
		panic(http.ErrAbortHandler)
	})
	o.Server.Config.ErrorLog = quiet
	var wg sync.WaitGroup
	var sent atomic.Int64
	for range 50 {
		wg.Go(func() {
			sent.Add(1)
			if resp, _ := n.get("/files/f"); resp.StatusCode != 502 {
				t.Error(resp.Status)
			}
		})
	}
	eventually(t, "the clients are on their way", func() bool {
		return sent.Load() == 50 &&
			o.Count() > 0
	})
	close(all)
	wg.Wait()
	// Some may have come when the first ones had their answer; a GET is sent twice when its
	// connection breaks.
	if o.Count() > 20 {
		t.Errorf("%d origin requests for 50 clients", o.Count())
	}
}

func TestIdleBodyIsAborted(t *testing.T) {
	base := rawOrigin(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: "+
			"max-age=60\r\n\r\nnut")
		c.Read(make([]byte, 1)) // until the other side gives up
	})
	server := origin.HTTP(base)
	server.BodyTimeout = 200 * time.Millisecond
	t.Cleanup(server.CloseIdleConnections)
	n := newNode(t, proxy.Config{Origin: server})
	resp := n.do("GET", "/files/f")
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil || string(b) != "nut" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestStuckClientIsAborted: a client that takes nothing loses its connection, and only it.
func TestStuckClientIsAborted(t *testing.T) {
	n, o := fronting(t, proxy.Config{WriteTimeout: time.Second})
	o.Handle("/f", origintest.File{Size: 64 << 20, NoRanges: true, Header: maxAge("60")}.ServeHTTP)
	c, err := net.Dial("tcp", n.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /files/f HTTP/1.1\r\nHost: n\r\n\r\n")
	// It reads nothing. The other client depends on it, since the body can't be held; so the
	// other's success shows that the first was given up.
	resp := n.do("GET", "/files/f")
	defer resp.Body.Close()
	v := &origintest.Verifier{}
	if _, err := io.Copy(v, resp.Body); err != nil || v.Off != 64<<20 {
		t.Errorf("%v at %d", err, v.Off)
	}
}
