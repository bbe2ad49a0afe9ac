package proxy_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// oddOrigin answers each request with its own path, and sends something that nobody has asked for
// besides.
type oddOrigin struct {
	net.Listener
	config *tls.Config // nil: no TLS
	base   *url.URL

	extra string
	every int64 // how many responses there are to one that is followed by extra
	late  bool  // extra comes when the next request has
	asked atomic.Int64

	work sync.WaitGroup
	mu   sync.Mutex
	open []net.Conn // guarded by mu
}

func newOddOrigin(t *testing.T, secure bool) *oddOrigin {
	o := &oddOrigin{Listener: origintest.Listen(t), base: &url.URL{Scheme: "http", Path: "/"}}
	o.base.Host = o.Addr().String()
	if secure {
		o.base.Scheme = "https"
		example := httptest.NewUnstartedServer(nil)
		example.StartTLS()
		example.Close()
		o.config = example.TLS.Clone()
		o.config.NextProtos = nil
	}
	o.work.Go(o.accept)
	t.Cleanup(func() {
		o.Close()
		o.mu.Lock()
		for _, c := range o.open {
			c.Close()
		}
		o.mu.Unlock()
		o.work.Wait()
	})
	return o
}

func (o *oddOrigin) accept() {
	for {
		c, err := o.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		o.open = append(o.open, c)
		o.mu.Unlock()
		o.work.Go(func() {
			defer c.Close()
			if o.config != nil {
				c = tls.Server(c, o.config)
				defer c.Close()
			}
			o.serve(c)
		})
	}
}

func (o *oddOrigin) serve(c net.Conn) {
	in, owed := bufio.NewReader(c), ""
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		before, after := owed, ""
		if owed = ""; o.asked.Add(1)%o.every == 0 {
			if after = o.extra; o.late {
				owed, after = after, ""
			}
		}
		io.WriteString(c, before+o.answer(req)+after)
	}
}

func (o *oddOrigin) answer(req *http.Request) string {
	path := req.URL.Path
	fields := fmt.Sprintf("Cache-Control: max-age=600\r\nX-Path: %s\r\nETag: \"%s\"\r\n", path,
		path)
	switch {
	case req.Header.Get("If-None-Match") != "":
		return "HTTP/1.1 304 Not Modified\r\n" + fields + "\r\n"
	case strings.HasSuffix(path, "7"):
		return "HTTP/1.1 204 No Content\r\n" + fields + "\r\n"
	case req.Method == http.MethodHead:
		path = ""
	}
	return "HTTP/1.1 200 OK\r\n" + fields + fmt.Sprintf("Content-Length: %d\r\n\r\n%s",
		len(req.URL.Path), path)
}

// slowReader has net/http's reader be late to look for what is left after a response, so that the
// next request often comes before it.
type slowReader struct{ *origin.Server }

func (s slowReader) RoundTrip(req *http.Request) (*http.Response, error) {
	return s.Server.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(),
		&httptrace.ClientTrace{
			PutIdleConn: func(error) {
				for range 100 {
					runtime.Gosched()
				}
			},
		})))
}

// files is how many files a test asks for in each of its cases, n as a rule. SCURRY_TEST_FILES says
// how many in all of them.
func files(t *testing.T, n, cases int) int {
	if all := os.Getenv("SCURRY_TEST_FILES"); all != "" {
		of, err := strconv.Atoi(all)
		if err != nil {
			t.Fatal(err)
		}
		n = (of + cases - 1) / cases
	}
	return n
}

// TestNothingUnsolicitedIsStored: whatever an origin sends that no request has asked for, what is
// stored of a resource is its own in the end.
func TestNothingUnsolicitedIsStored(t *testing.T) {
	log.SetOutput(io.Discard) // net/http's, on what it finds
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	const marker = "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nX-Path: " +
		"marker\r\nContent-Length: 6\r\n\r\nmarker"
	extras := map[string]string{
		"response": marker,
		"304": "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=600\r\nX-Path: " +
			"marker\r\n\r\n",
		"body":     "marker",
		"line end": "\r\n",
	}
	for name, extra := range extras {
		for _, every := range []int64{1, 20} {
			for _, late := range []bool{false, true} {
				for _, secure := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, one in %d, late=%v, TLS=%v", name, every, late, secure),
						func(t *testing.T) {
							t.Parallel()
							o := newOddOrigin(t, secure)
							o.extra, o.every, o.late = extra, every, late
							const round = 50
							n := 4 * round
							if secure || raceEnabled { // they take their time
								n = round
							}
							hits := 0
							for from := 0; from < files(t, n, 8*len(extras)); from += round {
								hits += o.round(t, from, from+round)
							}
							t.Logf("%d hits", hits)
							if hits == 0 {
								t.Error("nothing is stored")
							}
						})
				}
			}
		}
	}
}

// round has the files [from, end) fetched by many clients of a node that trusts the origin as yet,
// and returns how many are stored in the end.
func (o *oddOrigin) round(t *testing.T, from, end int) (hits int) {
	server := origin.HTTP(o.base)
	server.TLS = &tls.Config{InsecureSkipVerify: true}
	defer server.CloseIdleConnections()
	n := newNode(t, proxy.Config{Origin: slowReader{server}, Memory: 16 << 20})
	var clients sync.WaitGroup
	next := atomic.Int64{}
	next.Store(int64(from))
	for range 8 {
		clients.Go(func() {
			for i := next.Add(1) - 1; i < int64(end); i = next.Add(1) - 1 {
				path := fmt.Sprint("/", i)
				for _, ask := range []struct{ method, directive string }{{"GET", ""},
					{"GET", "no-cache"}, {"HEAD", "no-cache"}} {
					got, err := o.ask(n, ask.method, path, ask.directive)
					if err == nil && got != "own" && got != "502" && !o.late {
						t.Errorf("%s %s: %s", ask.method, path, got)
					}
				}
			}
		})
	}
	clients.Wait()
	for i := from; i < end; i++ {
		var got string
		eventually(t, "what is stored is the file's own", func() bool {
			got, _ = o.ask(n, "GET", fmt.Sprint("/", i), "only-if-cached")
			return got == "own" || got == "504"
		})
		if got == "own" {
			hits++
		}
	}
	return hits
}

// ask tells what the answer is: the file's own, or a failure's status, or something else.
func (o *oddOrigin) ask(n *node, method, path, directive string) (string, error) {
	var fields []string
	if directive != "" {
		fields = []string{"Cache-Control: " + directive}
	}
	resp, err := n.try(method, "/files"+path, fields...)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode >= 500:
		return strconv.Itoa(resp.StatusCode), nil
	case resp.Header.Get("X-Path") == path && (len(body) == 0 || string(body) == path):
		return "own", nil
	}
	return fmt.Sprintf("%d %v %.100q", resp.StatusCode, resp.Header, body), nil
}

// TestUnsolicitedIsSaidOnce: the log tells operators of it once, and clients learn nothing.
func TestUnsolicitedIsSaidOnce(t *testing.T) {
	oneNode(t)
	log.SetOutput(io.Discard) // net/http's, on what it finds
	defer log.SetOutput(os.Stderr)
	o := newOddOrigin(t, false)
	o.extra, o.every = "marker", 1
	server := origin.HTTP(o.base)
	defer server.CloseIdleConnections()
	var lines logbook
	logger := zerolog.New(&lines)
	n := newNode(t, proxy.Config{Origin: server, Logger: &logger})
	for i := range 20 {
		if got, err := o.ask(n, "GET", fmt.Sprint("/", i), ""); got != "own" {
			t.Errorf("%d: %s %v", i, got, err)
		}
	}
	const message = "the origin sent bytes that no request had asked for"
	eventually(t, "the log says it", func() bool {
		return strings.Contains(lines.String(),
			message)
	})
	if said := strings.Count(lines.String(), `"level":"warn"`); said != 1 {
		t.Errorf("there are %d warnings:\n%s", said, lines.String())
	}
}
