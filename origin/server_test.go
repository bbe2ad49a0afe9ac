package origin

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for raw, want := range map[string]string{
		"http://host":                       "",
		"https://user:pw@host:8443/a%2Fb/":  "",
		"http://[::1]:80/":                  "",
		"host/path":                         "has no scheme",
		"/path":                             "has no scheme",
		"ftp://host/":                       `the scheme "ftp"`,
		"http:///path":                      "has no host",
		"http://:80/":                       "has no host",
		"http://h:99999/":                   "not a port",
		"http://h:0/":                       "not a port",
		"http:host":                         "has no host",
		"http:user:sesame@host":             "has no host",
		"user:sesame@host":                  "has no host",
		"http://user:sesame@host/?":         "has a query",
		"http://user:sesame@host/?a=b":      "has a query",
		"http://user:sesame@host/#fragment": "has a fragment",
	} {
		base, err := url.Parse(raw)
		check(t, err)
		err = HTTP(base).Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(),
			want)) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
		if err == nil {
			continue
		}
		if strings.Contains(err.Error(), "user") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error shows userinfo: %v", raw, err)
		}
		body := &closeRecorder{Reader: strings.NewReader("x")}
		req, _ := http.NewRequest("POST", "http://host/", body)
		if _, rerr := HTTP(base).RoundTrip(req); rerr == nil || rerr.Error() != err.Error() ||
			!body.closed {
			t.Errorf("%s: RoundTrip: %v, body closed: %v", raw, rerr, body.closed)
		}
	}
	if err := HTTP(nil).Validate(); err == nil || HTTP(nil).BaseURL() == nil {
		t.Errorf("no base: %v", err)
	}
	s := HTTP(&url.URL{Scheme: "http", Host: "host"})
	for _, host := range []string{"a b", "http://host", "host/path", "a\r\nb"} {
		s.Host = host
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "Host") {
			t.Errorf("Host %q: %v", host, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"http://host":                "http://host/",
		"http://host/":               "http://host/",
		"http://host/a/b":            "http://host/a/b/",
		"http://host/a/b/":           "http://host/a/b/",
		"http://host/a%2Fb%20c":      "http://host/a%2Fb%20c/",
		"http://host/a%2F":           "http://host/a%2F/",
		"https://user:pw@host:8443/": "https://host:8443/",
	} {
		base, err := url.Parse(raw)
		check(t, err)
		s := HTTP(base)
		if got := s.BaseURL(); got.String() != want || got.User != nil {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
		s.BaseURL().Host = "changed"
		base.Host = "changed"
		if got := s.BaseURL().String(); got != want {
			t.Errorf("%s: a change from outside came through: %s", raw, got)
		}
	}
}

func TestServerSends(t *testing.T) {
	heads := make(chan string, 1)
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		for head := readHead(r); head != ""; head = readHead(r) {
			heads <- head
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	for _, test := range []struct {
		name   string
		change func(*Server)
		user   *url.Userinfo
		method string
		path   string
		fields []string
		want   string
	}{
		{name: "nothing but Host", path: "/a", want: "GET /a HTTP/1.1\r\nHost: " + raw.Host +
			"\r\n"},
		{name: "the escaped path and the query", path: "/a%2Fb%20c%c3%bc/;x?q=%2F&r",
			want: "GET /a%2Fb%20c%c3%bc/;x?q=%2F&r HTTP/1.1\r\nHost: " + raw.Host + "\r\n"},
		{name: "Host", path: "/", change: func(s *Server) { s.Host = "files.test:81" },
			want: "GET / HTTP/1.1\r\nHost: files.test:81\r\n"},
		{name: "the client's fields", method: "HEAD", path: "/",
			fields: []string{"User-Agent", "x/1", "Accept-Encoding", "br", "Range", "bytes=1-"},
			want: "HEAD / HTTP/1.1\r\nHost: " + raw.Host +
				"\r\nUser-Agent: x/1\r\nAccept-Encoding: br\r\nRange: bytes=1-\r\n"},
		{name: "credentials", path: "/", user: url.UserPassword("us er", "p:w"),
			want: "GET / HTTP/1.1\r\nHost: " + raw.Host + "\r\nAuthorization: Basic " +
				"dXMgZXI6cDp3\r\n"},
		{name: "a user without a password", path: "/", user: url.User("u"),
			want: "GET / HTTP/1.1\r\nHost: " + raw.Host + "\r\nAuthorization: Basic dTo=\r\n"},
		{name: "the client's credentials", path: "/", user: url.User("u"),
			fields: []string{"Authorization", "Bearer x"},
			want:   "GET / HTTP/1.1\r\nHost: " + raw.Host + "\r\nAuthorization: Bearer x\r\n"},
		{name: "which trailers are wanted", path: "/", fields: []string{"Te", "trailers"},
			want: "GET / HTTP/1.1\r\nHost: " + raw.Host +
				"\r\nConnection: TE\r\nTe: trailers\r\n"},
		{name: "an upgrade that wants trailers", path: "/",
			fields: []string{"Connection", "Upgrade", "Upgrade", "echo", "Te", "trailers"},
			want: "GET / HTTP/1.1\r\nHost: " + raw.Host + "\r\nConnection: Upgrade\r\n" +
				"Connection: TE\r\nTe: trailers\r\nUpgrade: echo\r\n"},
		{name: "another method", method: "DELETE", path: "/a",
			want: "DELETE /a HTTP/1.1\r\nHost: " + raw.Host + "\r\nConnection: close\r\n"},
	} {
		base := *raw.URL
		base.User = test.user
		s := newServer(t, &base)
		if test.change != nil {
			test.change(s)
		}
		req := target(t, test.method, s.BaseURL(), test.path, test.fields...)
		req.Host = "client.test"
		req.URL.User = url.UserPassword("someone", "else")
		before := req.Clone(t.Context())
		resp, _, err := fetch(s, req)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := <-heads; got != test.want {
			t.Errorf("%s: sent\n%q, want\n%q", test.name, got, test.want)
		}
		if resp.Request != req {
			t.Errorf("%s: the response's Request isn't the caller's", test.name)
		}
		if !reflect.DeepEqual(req.Header, before.Header) || *req.URL != *before.URL &&
			req.URL.String() != before.URL.String() ||
			req.Host != "client.test" {
			t.Errorf("%s: the caller's request was changed: %+v", test.name, req)
		}
	}
}

func TestServerStaysOnItsHost(t *testing.T) {
	s := newServer(t, &url.URL{Scheme: "http", Host: "Origin.test", User: url.UserPassword("user",
		"sesame")})
	s.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.User != nil {
			t.Errorf("sent userinfo in %s", req.URL)
		}
		return &http.Response{StatusCode: 200}, nil
	})
	for raw, ok := range map[string]bool{
		"http://origin.test/x": true, "http://someone@origin.test/x": true,
		"http://Origin.test/": true, "https://origin.test/": false,
		"http://origin.test:81/": false, "http://user:sesame@other.test/": false,
	} {
		req, err := http.NewRequest("GET", raw, nil)
		check(t, err)
		_, err = s.RoundTrip(req)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestServerNoURL(t *testing.T) {
	s := newServer(t, &url.URL{Scheme: "http", Host: "origin.test"})
	if _, err := s.RoundTrip(new(http.Request)); err == nil {
		t.Error("a request without a URL has an answer")
	}
}

func TestServerPassesResponses(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	io.WriteString(w, "unzipped")
	check(t, w.Close())
	mux := http.NewServeMux()
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r,
			"/ok", http.StatusFound)
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped.Bytes())
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "late")
	})
	mux.HandleFunc("/trailer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Digest")
		io.WriteString(w, "body")
		w.Header().Set("Digest", "x")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s ", r.Method, r.Proto)
		io.Copy(w, r.Body)
	})
	for _, http2 := range []bool{false, true} {
		origin := httptest.NewUnstartedServer(mux)
		origin.EnableHTTP2 = http2
		if http2 {
			origin.StartTLS()
		} else {
			origin.Start()
		}
		base, err := url.Parse(origin.URL)
		check(t, err)
		s := HTTP(base)
		if http2 {
			s.TLS = origin.Client().Transport.(*http.Transport).TLSClientConfig
		}
		passResponses(t, s, zipped.String(), map[bool]string{false: "HTTP/1.1",
			true: "HTTP/2.0"}[http2])
		s.CloseIdleConnections()
		origin.Close()
	}
}

func passResponses(t *testing.T, s *Server, zipped, proto string) {
	resp, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/moved"))
	if err != nil || resp.StatusCode != 302 || resp.Header.Get("Location") != "/ok" {
		t.Errorf("%s: the redirect: %v, %v", proto, resp, err)
	}
	resp, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/gzip"))
	if err != nil || body != zipped || resp.Header.Get("Content-Encoding") != "gzip" ||
		resp.Uncompressed {
		t.Errorf("%s: the encoded body: %q, %v", proto, body, err)
	}
	var link string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			link = fmt.Sprint(code, h.Get("Link"))
			return nil
		},
	})
	_, body, err = fetch(s, target(t, "GET", s.BaseURL(), "/early").WithContext(ctx))
	if err != nil || body != "late" || link != "103</style.css>; rel=preload" {
		t.Errorf("%s: the early hints: %q, %q, %v", proto, link, body, err)
	}
	resp, body, err = fetch(s, target(t, "GET", s.BaseURL(), "/trailer"))
	if err != nil || body != "body" || resp.Trailer.Get("Digest") != "x" {
		t.Errorf("%s: the trailer: %q %v, %v", proto, body, resp.Trailer, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.BaseURL().String()+"echo",
		io.MultiReader(strings.NewReader("sent")))
	check(t, err)
	if _, body, err := fetch(s, req); err != nil || body != "PUT "+proto+" sent" {
		t.Errorf("%s: the echo: %q, %v", proto, body, err)
	}
}

func TestServerUpgrade(t *testing.T) {
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		readHead(r)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+
			"echo\r\n\r\n")
		io.Copy(c, r)
	})
	s := newServer(t, raw.URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/", "Connection", "Upgrade", "Upgrade",
		"echo").WithContext(ctx))
	check(t, err)
	defer resp.Body.Close()
	rw, ok := resp.Body.(io.ReadWriter)
	if resp.StatusCode != 101 || !ok {
		t.Fatalf("%d with a body of %T", resp.StatusCode, resp.Body)
	}
	_, err = io.WriteString(rw, "hello")
	check(t, err)
	got := make([]byte, 5)
	if _, err := io.ReadFull(rw, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestServerConnections(t *testing.T) {
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		for readHead(r) != "" {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	s := newServer(t, raw.URL)
	s.CloseIdleConnections() // before the first request
	s.Host = "late.test"     // so settings may still change
	for range 3 {
		if _, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/")); err != nil ||
			body != "ok" {
			t.Fatalf("%q, %v", body, err)
		}
	}
	if n := raw.conns.Load(); n != 1 {
		t.Errorf("%d connections for 3 requests in a row", n)
	}
	s.CloseIdleConnections()
	_, _, err := fetch(s, target(t, "GET", s.BaseURL(), "/"))
	check(t, err)
	if n := raw.conns.Load(); n != 2 {
		t.Errorf("%d connections after CloseIdleConnections", n)
	}
}

// TestServerIgnoresEnvironment asks for an address that reaches this machine, but that net/http
// doesn't take for one that no proxy is wanted for.
func TestServerIgnoresEnvironment(t *testing.T) {
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "from the origin")
	}))
	defer o.Close()
	_, port, err := net.SplitHostPort(o.Listener.Addr().String())
	check(t, err)
	base := &url.URL{Scheme: "http", Host: "0.0.0.0:" + port}
	for env, want := range map[bool]string{false: "from the origin",
		true: "from the environment's proxy"} {
		s := newServer(t, base)
		s.ProxyFromEnvironment = env
		if _, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/")); err != nil ||
			body != want {
			t.Errorf("ProxyFromEnvironment %v: %q, %v", env, body, err)
		}
	}
}
