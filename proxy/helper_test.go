package proxy_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/race"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

func TestMain(m *testing.M) {
	http.DefaultTransport = refuse{} // no test may talk to anyone but its own servers
	// Collecting takes a quarter of the tests' time. Benchmarks are to pay for it as users do.
	if flag.Parse(); flag.Lookup("test.bench").Value.String() == "" {
		debug.SetGCPercent(400)
	}
	goleak.VerifyTestMain(m)
}

const raceEnabled = race.Enabled

type refuse struct{}

func (refuse) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("a test asked the default transport for " + r.URL.String())
}

// The geometry of the tests: small, so that edges are near.
const (
	first  = 1 << 10
	most   = 8 << 10
	slab   = 64 << 10
	memory = 1 << 20
)

// clock is a clock that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// node is a proxy behind a real server.
type node struct {
	*httptest.Server
	*proxy.Proxy
	t      testing.TB
	client *http.Client
	peers  []*proxy.Proxy // whose counts are added to the node's
	odd    bool           // the origin's parts don't say which they are
}

// Stats is the proxy's, with the counts of its peers added that a test of one node takes for the
// node's own.
func (n *node) Stats() proxy.Stats {
	s := n.Proxy.Stats()
	for _, p := range n.peers {
		o := p.Stats()
		for _, f := range []struct {
			sum  *int64
			more int64
		}{
			{&s.OriginBytes, o.OriginBytes}, {&s.OriginRequests, o.OriginRequests},
			{&s.OriginErrors, o.OriginErrors},
			{&s.Chunks, o.Chunks}, {&s.ChunkBytes, o.ChunkBytes}, {&s.Evictions, o.Evictions},
		} {
			*f.sum += f.more
		}
	}
	return s
}

// reads waits until so many bytes have been read from the origin in all: a fill may still be
// reading the rest of a chunk when the client has what it wanted of it.
func (n *node) reads(bytes int64) {
	n.t.Helper()
	eventually(n.t, fmt.Sprint(bytes, " bytes are read from the origin"),
		func() bool { return n.Stats().OriginBytes == bytes })
}

// idle waits until no node reads a body. One that can't be asked for again takes its room until its
// fill has ended, which is a moment after the client has it all; the next one mightn't be kept
// then.
func (n *node) idle() {
	n.t.Helper()
	for _, p := range append([]*proxy.Proxy{n.Proxy}, n.peers...) {
		eventually(n.t, "nothing is being read", func() bool { return p.Stats().LiveFills == 0 })
	}
}

// oneNode skips a test that is about what a node does by itself.
func oneNode(t testing.TB) {
	if amongPeers > 1 {
		t.Skip("it is about a node on its own")
	}
}

// small fills in the tests' geometry where cfg has none.
func small(cfg proxy.Config) proxy.Config {
	if cfg.Memory == 0 {
		cfg.Memory = memory
	}
	if cfg.Slab == 0 {
		cfg.FirstChunk, cfg.MaxChunk, cfg.Slab = first, most, slab
	}
	return cfg
}

// amongPeers makes newNode's node one of several, the others having no clients, if the environment
// variable SCURRY_TEST_NODES says how many: a cluster is to be as right as a node on its own, so
// that most tests hold for it.
var amongPeers, _ = strconv.Atoi(os.Getenv("SCURRY_TEST_NODES"))

func newNode(t testing.TB, cfg proxy.Config) *node {
	t.Helper()
	withPeers := amongPeers > 1 && cfg.Cluster.Listener == nil
	var peers []*proxy.Proxy
	if withPeers {
		cfg, peers = addPeers(t, cfg)
	}
	p, err := proxy.New(small(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if withPeers {
		// as long as they disagree, more than one may ask the origin for a file
		for _, each := range append(peers, p) {
			eventually(t, "the nodes know each other",
				func() bool { return len(each.Stats().Ring) == len(cfg.Cluster.Peers) })
		}
	}
	n := &node{Proxy: p, t: t, Server: &httptest.Server{Listener: origintest.Listen(t),
		Config: &http.Server{Handler: p}}, peers: peers}
	if amongPeers == 0 { // requests take the fast lane, as they do to the command
		n.Listener = listen.New(n.Listener, n.Config, p.Lane(), 0, zerolog.Nop()).Listener()
	}
	n.Server.Config.WriteTimeout = cmp.Or(cfg.WriteTimeout, time.Minute)
	n.Server.Config.IdleTimeout = n.Server.Config.WriteTimeout
	n.Start()
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 200}
	n.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request,
		[]*http.Request) error {
		return http.ErrUseLastResponse
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		n.CloseClientConnections()
		n.Server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// addPeers is cfg for a node that has peers, which are started.
func addPeers(t testing.TB, cfg proxy.Config) (_ proxy.Config, peers []*proxy.Proxy) {
	t.Helper()
	listeners, names := openForPeers(t, amongPeers)
	cfg.Cluster.MissedHeartbeats, cfg.Cluster.Peers = 100, names
	for _, l := range listeners[1:] {
		peer := small(cfg)
		peer.Cluster.Listener = l
		p, err := proxy.New(peer)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		peers = append(peers, p)
	}
	cfg.Cluster.Listener = listeners[0]
	return cfg, peers
}

// fronting makes a node in front of a new origin.
func fronting(t testing.TB, cfg proxy.Config) (*node, *origintest.Origin) {
	t.Helper()
	o := origintest.New(t)
	o.Now = cfg.Now
	server := origin.HTTP(o.Base)
	cfg.Origin = server
	t.Cleanup(server.CloseIdleConnections)
	return newNode(t, cfg), o
}

// do sends a request with header fields given as "Name: value".
func (n *node) do(method, path string, fields ...string) *http.Response {
	n.t.Helper()
	resp, err := n.try(method, path, fields...)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp
}

func (n *node) try(method, path string, fields ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.URL+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	resp, err := n.client.Do(req)
	if err == nil {
		n.saysItsPart(resp)
	}
	return resp, err
}

// saysItsPart wants a 206 to say which part it holds (RFC 9110 sections 15.3.7.1 and 15.3.7.2).
func (n *node) saysItsPart(resp *http.Response) {
	n.t.Helper()
	if resp.StatusCode != http.StatusPartialContent || n.odd ||
		strings.HasPrefix(resp.Header.Get("Content-Type"), "multipart/byteranges") {
		return
	}
	part, ok := httpcache.ParseContentRange(resp.Header)
	if !ok || resp.ContentLength >= 0 && resp.ContentLength != part.End-part.Start {
		n.t.Errorf("%s: a 206 with Content-Range %q and %d bytes", resp.Request.URL,
			resp.Header["Content-Range"], resp.ContentLength)
	}
}

// get returns the response with its content read.
func (n *node) get(path string, fields ...string) (*http.Response, []byte) {
	n.t.Helper()
	return n.read(n.do(http.MethodGet, path, fields...))
}

func (n *node) read(resp *http.Response) (*http.Response, []byte) {
	n.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatalf("%s: %v after %d bytes", resp.Request.URL, err, len(b))
	}
	return resp, b
}

// expect is get with a check of status and content.
func (n *node) expect(status int, content []byte, path string, fields ...string) *http.Response {
	n.t.Helper()
	resp, b := n.get(path, fields...)
	if resp.StatusCode != status {
		n.t.Fatalf("%s %v: status %d, want %d (%.100q)", path, fields, resp.StatusCode, status, b)
	}
	if !bytes.Equal(b, content) {
		n.t.Fatalf("%s %v: %d bytes, want %d; first difference at %d", path, fields, len(b),
			len(content), difference(b, content))
	}
	return resp
}

func difference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// raw sends text over a connection of its own and returns all that comes back.
func (n *node) raw(text string) string {
	n.t.Helper()
	c, err := net.Dial("tcp", n.Listener.Addr().String())
	if err != nil {
		n.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		n.t.Fatal(err)
	}
	b, _ := io.ReadAll(c) // a connection that is reset has said what it had to say
	return string(b)
}

// cacheStatus wants Cache-Status to be in the response, which every one of ours has.
func (n *node) cacheStatus(resp *http.Response, want string) {
	n.t.Helper()
	if got := strings.Join(resp.Header["Cache-Status"], ", "); !strings.Contains(got, want) {
		n.t.Errorf("%s: Cache-Status %q, want %q in it", resp.Request.URL, got, want)
	}
}

func maxAge(seconds string) http.Header {
	return http.Header{"Cache-Control": {"max-age=" +
		seconds}}
}

// quiet is for servers whose errors are part of the test.
var quiet = log.New(io.Discard, "", 0)
