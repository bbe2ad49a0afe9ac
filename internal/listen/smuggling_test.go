package listen_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// strictOrigin is an origin that reads what it gets to the letter, and notes it.
type strictOrigin struct {
	net.Listener
	mu    sync.Mutex
	got   []string // guarded by mu: what has come, as "METHOD target content"
	wrong []string // guarded by mu: what no two servers would read alike
	open  []net.Conn
	busy  sync.WaitGroup
}

func newStrictOrigin(t *testing.T) *strictOrigin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &strictOrigin{Listener: l}
	o.busy.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.open = append(o.open, c)
			o.mu.Unlock()
			o.busy.Go(func() { o.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		o.mu.Lock()
		for _, c := range o.open {
			c.Close()
		}
		o.mu.Unlock()
		o.busy.Wait()
	})
	return o
}

func (o *strictOrigin) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		method, ok := o.one(c, r)
		if !ok {
			return
		}
		answer := "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\n"
		if method != http.MethodHead {
			answer += "ok"
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// one reads a request, and reports whether it is whole.
func (o *strictOrigin) one(c io.Writer, r *bufio.Reader) (method string, whole bool) {
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", false // of a request that is aborted, anything may be missing
		}
		bare, ok := strings.CutSuffix(line, "\r\n")
		if !ok || strings.ContainsAny(bare, "\r\x00") {
			o.note(nil, fmt.Sprintf("the line %q", line))
			return "", false
		}
		if bare == "" {
			break
		}
		lines = append(lines, bare)
	}
	if len(lines) == 0 {
		o.note(nil, "an empty head")
		return "", false
	}
	if slices.Contains(lines, "Expect: 100-continue") {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	content, ok := o.content(r, lines[1:])
	if !ok {
		return "", false
	}
	target, _ := strings.CutSuffix(lines[0], " HTTP/1.1")
	method, _, _ = strings.Cut(target, " ")
	if method == http.MethodGet || method == http.MethodHead {
		content = "" // which goes with those that aren't for the cache
	}
	o.note([]string{target + " " + content})
	return method, true
}

// content reads the content of a request with those fields, whose framing must be one only.
func (o *strictOrigin) content(r *bufio.Reader, fields []string) (string, bool) {
	length, chunked, hosts := int64(-1), false, 0
	for _, field := range fields {
		name, value, ok := strings.Cut(field, ": ")
		if !ok || strings.ContainsAny(name, " \t") {
			o.note(nil, fmt.Sprintf("the field %q", field))
		}
		n, err := strconv.ParseUint(value, 10, 32)
		switch name = strings.ToLower(name); {
		case name == "host":
			hosts++
		case name == "transfer-encoding" && (value != "chunked" || chunked),
			name == "content-length" && (err != nil || length >= 0):
			o.note(nil, fmt.Sprintf("the field %q", field))
		case name == "transfer-encoding":
			chunked = true
		case name == "content-length":
			length = int64(n)
		}
	}
	if hosts != 1 || chunked && length >= 0 {
		o.note(nil, fmt.Sprintf("the head %q", fields))
	}
	switch {
	case chunked:
		req, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader("POST / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n"), r)))
		if err != nil {
			return "", false
		}
		b, err := io.ReadAll(req.Body)
		return string(b), err == nil
	case length > 0:
		b := make([]byte, length)
		_, err := io.ReadFull(r, b)
		return string(b), err == nil
	}
	return "", true
}

func (o *strictOrigin) note(got []string, wrong ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got, o.wrong = append(o.got, got...), append(o.wrong, wrong...)
}

// taken returns what has come since the last time.
func (o *strictOrigin) taken() (got, wrong []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	got, wrong = o.got, o.wrong
	o.got, o.wrong = nil, nil
	return got, wrong
}

// smuggled is what would be another request if a body ended where it doesn't.
const smuggled = "GET /files/smuggled HTTP/1.1\r\nHost: n\r\n\r\n"

// attacks are requests, of which the statuses and what the origin gets are told. Each is followed
// by GET /files/next.
var attacks = []struct {
	name, request string
	statuses      string   // of the responses
	origin        []string // gets this
}{
	{"CL.TE", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 46\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n0\r\n\r\n" + smuggled, "200", []string{"POST /a "}},
	{"TE.CL", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\nContent-Length: 4\r\n\r\n29\r\n" + smuggled + "\r\n0\r\n\r\n", "200",
		[]string{"POST /a " + smuggled}},
	{"GET with a body", "GET /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 41\r\n\r\n" + smuggled,
		"200", []string{"GET /a "}},
	{"HEAD with a body", "HEAD /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 41\r\n\r\n" +
		smuggled, "200", []string{"HEAD /a "}},
	{"DELETE with a body", "DELETE /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 41\r\n\r\n" +
		smuggled, "200 200", []string{"DELETE /a " + smuggled, "GET /next "}},
	{"a chunk extension", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n29;a=\"b\"\r\n" + smuggled + "\r\n0;c\r\n\r\n", "200 200",
		[]string{"POST /a " + smuggled, "GET /next "}},
	{"a chunk extension with LF", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n2;\nxx\r\n29\r\n0\r\n\r\n" + smuggled, "400", nil},
	{"a chunk that ends with LF", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n2\r\nxx\n0\r\n\r\n" + smuggled, "400", nil},
	{"a chunk that ends with two others", "POST /files/a HTTP/1.1\r\nHost: " +
		"n\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxxXX0\r\n\r\n" + smuggled, "400", nil},
	{"a last chunk without an end", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n0\r\n" + smuggled, "400", nil},
	{"a chunk's size with 0x", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n0x0\r\n\r\n" + smuggled, "400", nil},
	{"a chunk's size that overflows", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n10000000000000000\r\n\r\n" + smuggled, "400", nil},
	{"a trailer with a Content-Length", "POST /files/a HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n0\r\nContent-Length: 41\r\n\r\n", "200 200", []string{"POST /a ",
		"GET /next "}},
	{"HTTP/1.0 with Transfer-Encoding", "PUT /files/a HTTP/1.0\r\nConnection: " +
		"keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n29\r\n" + smuggled + "\r\n0\r\n\r\n",
		"400", nil},
	{"HTTP/1.0 with both", "PUT /files/a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: " +
		"3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "400", nil},
	{"two lengths", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\nContent-Length: " +
		"41\r\n\r\n" + smuggled, "400", nil},
	{"a length twice", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: " +
		"3\r\nContent-Length: 3\r\n\r\nnut", "200 200", []string{"POST /a nut", "GET /next "}},
	{"a list of lengths", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 41, 41\r\n\r\n" +
		smuggled, "400", nil},
	{"a length with +", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: +41\r\n\r\n" +
		smuggled, "400", nil},
	{"a length with -", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: -0\r\n\r\n" +
		smuggled, "400", nil},
	{"a length with a space", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 4 1\r\n\r\n" +
		smuggled, "400", nil},
	{"a length in hexadecimal", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 0x29\r\n\r\n" + smuggled, "400", nil},
	{"a length with _", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 4_1\r\n\r\n" +
		smuggled, "400", nil},
	{"no length", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length:\r\n\r\n" + smuggled, "400",
		nil},
	{"a length that overflows", "POST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: " +
		"18446744073709551657\r\n\r\n" + smuggled, "400", nil},
	{"a length with a space before the colon", "POST /files/a HTTP/1.1\r\nHost: " +
		"n\r\nContent-Length : 41\r\n\r\n" + smuggled, "400", nil},
	{"a length after NUL", "POST /files/a HTTP/1.1\r\nHost: n\r\n\x00Content-Length: 41\r\n\r\n" +
		smuggled, "400", nil},
	{"a length in a folded line", "POST /files/a HTTP/1.1\r\nHost: n\r\nX: y\r\n Content-Length: " +
		"41\r\n\r\n" + smuggled, "400", nil},
	{"a length after LF", "POST /files/a HTTP/1.1\r\nHost: n\r\nX: y\nContent-Length: 41\r\n\r\n" +
		smuggled, "200 200", []string{"POST /a " + smuggled, "GET /next "}},
	{"a length after CR", "POST /files/a HTTP/1.1\r\nHost: n\r\nX: y\rContent-Length: 41\r\n\r\n" +
		smuggled, "400", nil},
	{"a head that ends with LF", "POST /files/a HTTP/1.1\nHost: n\nContent-Length: 41\n\n" +
		smuggled, "200 200", []string{"POST /a " + smuggled, "GET /next "}},
	{"a head that ends with CR", "POST /files/a HTTP/1.1\r\nHost: n\r\n\r\r\n" + smuggled, "400",
		nil},
	{"a space before the first field", "GET /files/a HTTP/1.1\r\n Host: n\r\nHost: n\r\n\r\n",
		"400", nil},
	{"NUL in a value", "GET /files/a HTTP/1.1\r\nHost: n\r\nX: a\x00b\r\n\r\n", "400", nil},
	{"NUL in a name", "GET /files/a HTTP/1.1\r\nHost: n\r\nX\x00: b\r\n\r\n", "400", nil},
	{"NUL in the target", "GET /files/a\x00 HTTP/1.1\r\nHost: n\r\n\r\n", "400", nil},
	{"CR in the target", "GET /files/a\r HTTP/1.1\r\nHost: n\r\n\r\n", "400", nil},
	{"a space in the target", "GET /files/a b HTTP/1.1\r\nHost: n\r\n\r\n", "400", nil},
	{"a tab for a space", "GET\t/files/a\tHTTP/1.1\r\nHost: n\r\n\r\n", "400", nil},
	{"another version", "GET /files/a HTTP/1.10\r\nHost: n\r\n\r\n", "400", nil},
	{"HTTP/0.9", "GET /files/a\r\n\r\n", "400", nil},
	{"a field without a colon", "GET /files/a HTTP/1.1\r\nHost: n\r\nX\r\n\r\n", "400", nil},
	{"a field without a name", "GET /files/a HTTP/1.1\r\nHost: n\r\n: x\r\n\r\n", "400", nil},
	{"two hosts", "GET /files/a HTTP/1.1\r\nHost: n\r\nHost: other\r\n\r\n", "400", nil},
	{"a list of hosts", "GET /files/a HTTP/1.1\r\nHost: n, other\r\n\r\n", "400", nil},
	{"another host in the target", "GET http://other/files/a HTTP/1.1\r\nHost: n\r\n\r\n",
		"200 200", []string{"GET /a ", "GET /next "}},
	{"a malformed host beside one in the target", "GET http://n/files/a HTTP/1.1\r\nHost: " +
		"u@n\r\n\r\n", "400", nil},
	{"a Connection that names the length", "POST /files/a HTTP/1.1\r\nHost: n\r\nConnection: " +
		"Content-Length\r\nContent-Length: 41\r\n\r\n" + smuggled, "200 200", []string{"POST /a " +
		smuggled, "GET /next "}},
	{"a Connection that names the Host", "GET /files/a HTTP/1.1\r\nHost: n\r\nConnection: " +
		"Host\r\n\r\n", "200 200", []string{"GET /a ", "GET /next "}},
	{"an Expect", "POST /files/a HTTP/1.1\r\nHost: n\r\nExpect: 100-continue\r\nContent-Length: " +
		"41\r\n\r\n" + smuggled, "100 200 200 or 100 100 200 200", []string{"POST /a " + smuggled,
		"GET /next "}},
	{"a h2c upgrade", "POST /files/a HTTP/1.1\r\nHost: n\r\nConnection: Upgrade, " +
		"HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 41\r\n\r\n" +
		smuggled, "200 200", []string{"POST /a " + smuggled, "GET /next "}},
	{"empty lines between", "\r\n\r\nPOST /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: " +
		"3\r\n\r\nnut\r\n\r\n", "200 200", []string{"POST /a nut", "GET /next "}},
	{"a method in small letters", "get /files/a HTTP/1.1\r\nHost: n\r\nContent-Length: 41\r\n\r\n" +
		smuggled, "200 200", []string{"get /a " + smuggled, "GET /next "}},
}

// codings are what has been taken for chunked by some, and for nothing by others.
var codings = []string{
	"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity",
	"Transfer-Encoding: identity, chunked", "Transfer-Encoding: gzip, chunked",
	"Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: " +
		"identity", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
	"Transfer-Encoding: chunked;q=1", "Transfer-Encoding: \"chunked\"",
	"Transfer-Encoding: chunked\x0b", "Transfer-Encoding:\x0cchunked", "Transfer-Encoding:",
	"Transfer-Encoding: identity", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked",
	" Transfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked",
	"Transfer-Encoding:\r\n chunked", "Transfer-Encoding: chunked\r\n ",
	"Transfer-Encoding\r\n: chunked", "X: y\rTransfer-Encoding: chunked",
	"\x00Transfer-Encoding: chunked", "Transfer-Encoding: chun\x00ked",
	"Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked", "Tran\u017ffer-Encoding: chunked",
}

// TestSmuggling: each request that two servers could read in two ways is refused, or forwarded in
// one way.
func TestSmuggling(t *testing.T) {
	o := newStrictOrigin(t)
	base, err := url.Parse("http://" + o.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	transport := origin.HTTP(base)
	p, err := proxy.New(proxy.Config{Origin: transport})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, 0, p.ServeHTTP)
	t.Cleanup(func() {
		p.Close()
		transport.CloseIdleConnections()
	})
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			s.attack(t, o, c.request, strings.Split(c.statuses,
				" or "), c.origin)
		})
	}
	for _, coding := range codings {
		for _, length := range []string{"", "Content-Length: 4\r\n"} {
			t.Run(coding+length, func(t *testing.T) {
				request := "POST /files/a HTTP/1.1\r\nHost: n\r\n" + length + coding +
					"\r\n\r\n29\r\n" + smuggled + "\r\n0\r\n\r\n"
				s.attack(t, o, request, []string{"400", "501"}, nil)
			})
		}
	}
	t.Run("a coding in other letters", func(t *testing.T) {
		request := "POST /files/a HTTP/1.1\r\nHost: n\r\ntRANSFER-eNCODING:\t cHUNKED " +
			"\t\r\n\r\n29\r\n" + smuggled + "\r\n0\r\n\r\n"
		s.attack(t, o, request, []string{"200 200"}, []string{"POST /a " + smuggled, "GET /next "})
	})
}

// attack sends request and another one, in two pieces, and looks at what comes of them.
func (s *server) attack(t *testing.T, o *strictOrigin, request string, statuses []string,
	want []string) {
	text := request + "GET /files/next HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n"
	for i := 0; i < len(text); i += 1 + i/2 {
		got := s.statuses(t, text[:i], text[i:])
		if !slices.Contains(statuses, got) {
			t.Errorf("in two pieces at %d: %s, want %v", i, got, statuses)
		}
		asked, wrong := o.taken()
		if len(wrong) > 0 || !slices.Equal(asked, want) {
			t.Errorf("in two pieces at %d: the origin gets %q, and %q; want %q", i, asked, wrong,
				want)
		}
	}
}

// statuses are those of the responses to text, which is sent in pieces.
func (s *server) statuses(t *testing.T, pieces ...string) string {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	for _, piece := range pieces {
		conn.send(t, piece)
	}
	var list []string
	for method := ""; ; method = "" {
		if len(list) == 0 && strings.Contains(strings.Join(pieces, ""), "HEAD /files/a") {
			method = http.MethodHead
		}
		resp, err := http.ReadResponse(conn.r, &http.Request{Method: method})
		if err != nil {
			return strings.Join(list, " ")
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		list = append(list, strconv.Itoa(resp.StatusCode))
	}
}
