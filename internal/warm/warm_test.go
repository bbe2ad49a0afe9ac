package warm_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/warm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cache is a server that answers with the Cache-Status and the status that a path asks for.
type cache struct {
	*httptest.Server
	now, peak atomic.Int64
	mu        sync.Mutex
	asked     []string // guarded by mu
	fails     map[string]int
	stop      func()
}

func newCache(t *testing.T) *cache {
	c := &cache{fails: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *cache) serve(w http.ResponseWriter, r *http.Request) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for p := c.peak.Load(); n > p && !c.peak.CompareAndSwap(p, n); p = c.peak.Load() {
	}
	c.mu.Lock()
	c.asked = append(c.asked, r.Host+r.RequestURI+" "+r.Header.Get("Accept-Encoding"))
	fail := c.fails[r.URL.Path]
	c.fails[r.URL.Path]--
	c.mu.Unlock()
	switch {
	case fail > 0:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	case strings.HasPrefix(r.URL.Path, "/hit"):
		w.Header().Set("Cache-Status", "other; fwd=miss; stored, scurry; hit; ttl=5")
	case strings.HasPrefix(r.URL.Path, "/pass"):
		w.Header().Set("Cache-Status", "other; hit, scurry; fwd=uri-miss; detail=not-storable")
	case strings.HasPrefix(r.URL.Path, "/confirmed"):
		w.Header().Set("Cache-Status", "scurry; fwd=stale; fwd-status=304; ttl=1")
	case strings.HasPrefix(r.URL.Path, "/partial"):
		w.Header().Set("Cache-Status", "scurry; fwd=partial; ttl=5")
	case r.URL.Path == "/stop":
		c.stop()
		<-r.Context().Done()
	case strings.HasPrefix(r.URL.Path, "/missing"):
		http.NotFound(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/cut"):
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Cache-Status", "scurry; fwd=uri-miss; fwd-status=200; stored")
	}
	io.WriteString(w, "acorn")
}

// config fetches from c.
func (c *cache) config(t *testing.T) warm.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return warm.Config{
		Client: &http.Client{Transport: transport}, Concurrency: 3,
		Node:   c.Listener.Addr().String(),
		Header: http.Header{"Accept-Encoding": {"br"}},
	}
}

// TestOutcomes: what came of each URL, by Cache-Status and status.
func TestOutcomes(t *testing.T) {
	c := newCache(t)
	cfg := c.config(t)
	failed := map[string]string{}
	cfg.Tell = func(f warm.Fetched) {
		if f.Err != nil {
			failed[f.URL] = f.Err.Error()
		}
	}
	c.fails["/busy"], c.fails["/full"] = 2, 100
	urls := []string{"/hit", "/confirmed", "/partial", "/new", c.URL + "/new2", "/pass",
		"/missing", "/cut", "/busy", "/full",
		"ftp://a/b", "http://%zz/", "/"}
	s, err := warm.Run(t.Context(), cfg, urls)
	if want := [warm.Outcomes]int64{2, 5, 1, 5, 0}; err != nil || s.Count != want {
		t.Errorf("%v, %v; want %v", s, err, want)
	}
	for u, want := range map[string]string{
		"/missing": "404 Not Found", "/cut": "the answer broke off after 4 bytes: unexpected EOF",
		"/full":     "503 Service Unavailable",
		"ftp://a/b": "it isn't an http URL", "http://%zz/": "it is malformed",
	} {
		if failed[u] != want {
			t.Errorf("%s: %q, want %q", u, failed[u], want)
		}
	}
	if s.Total() != int64(len(urls)) || s.Bytes != 8*5+int64(len("404 page not found\n"))+4+5 {
		t.Errorf("%d URLs, %d bytes", s.Total(), s.Bytes)
	}
	for _, a := range c.asked {
		if !strings.HasSuffix(a, " br") {
			t.Errorf("asked for %s", a)
		}
	}
}

// TestVia: a node is asked for URLs of any host, by that host.
func TestVia(t *testing.T) {
	c := newCache(t)
	cfg := c.config(t)
	cfg.Via, cfg.Node = cfg.Node, "nobody:1"
	s, err := warm.Run(t.Context(), cfg, []string{"https://files.example/a?b=c", "/d"})
	slices.Sort(c.asked)
	if want := []string{"files.example/a?b=c br", "nobody:1/d br"}; err != nil ||
		!slices.Equal(c.asked, want) {
		t.Errorf("%v, %v, asked for %q", s, err, c.asked)
	}
}

// TestConcurrency: no more are fetched at once than may be.
func TestConcurrency(t *testing.T) {
	c := newCache(t)
	var urls []string
	for i := range 200 {
		urls = append(urls, fmt.Sprint("/", i))
	}
	if s, err := warm.Run(t.Context(), c.config(t), urls); err != nil ||
		s.Count[warm.Stored] != 200 || c.peak.Load() > 3 {
		t.Errorf("%v, %v, %d at once", s, err, c.peak.Load())
	}
}

// TestRate: requests are spread over the time that the rate gives them.
func TestRate(t *testing.T) {
	c := newCache(t)
	cfg := c.config(t)
	cfg.Rate = 200
	s, err := warm.Run(t.Context(), cfg, []string{"/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8",
		"/9"})
	if err != nil || s.Took < 8*time.Second/200 {
		t.Errorf("%v, %v", s, err)
	}
}

// TestResume: what one run has fetched, the next one skips, also if the first was interrupted, or
// its last line was cut.
func TestResume(t *testing.T) {
	c := newCache(t)
	path := filepath.Join(t.TempDir(), "journal")
	urls := []string{"/1", "/2", "/missing", "/3", "/4", "/5"}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	run := func(ctx context.Context, after int64) (warm.Summary, error) {
		j, err := warm.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		cfg, n := c.config(t), int64(0)
		cfg.Journal, cfg.Concurrency = j, 1
		cfg.Tell = func(warm.Fetched) {
			if n++; n == after {
				cancel(stop)
			}
		}
		s, err := warm.Run(ctx, cfg, urls)
		if err := j.Close(err == nil && s.Count[warm.Failed] == 0); err != nil {
			t.Error(err)
		}
		return s, err
	}
	first, err := run(ctx, 3)
	if err != stop || first.Count[warm.Stored] < 2 || first.Count[warm.Failed] != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(text, "/5"...), 0o600); err != nil { // without its end
		t.Fatal(err)
	}
	second, err := run(t.Context(), -1)
	if err != nil || second.Count[warm.Skipped] != first.Count[warm.Stored] ||
		second.Count[warm.Stored] != 5-first.Count[warm.Stored] {
		t.Errorf("%v, then %v, %v", first, second, err)
	}
	if text, _ := os.ReadFile(path); strings.Count(string(text), "\n") != 5 ||
		strings.Count(string(text), "/5\n") != 1 {
		t.Errorf("the journal is %q", text)
	}
	urls = slices.DeleteFunc(urls, func(u string) bool { return u == "/missing" })
	if third, err := run(t.Context(), -1); err != nil || third.Count[warm.Skipped] != 5 {
		t.Errorf("%v, %v", third, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the journal stays although all is done")
	}
}

// TestSources: what each kind of source has.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc> http://h/3 </loc><lastmod>x</lastmod></url></urlset>`)
	z.Close()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/index.xml":
			fmt.Fprintf(w, `<?xml version="1.0"?><sitemapindex><sitemap><loc>%s/a.xml</loc></sitemap><sitemap><loc>%[1]s/b.xml.gz</loc></sitemap></sitemapindex>`, server.URL)
		case "/a.xml":
			io.WriteString(w, `<urlset><url><loc>http://h/1?a=1&amp;b=2</loc></url><url><loc>http://h/2</loc></url><url/></urlset>`)
		case "/b.xml.gz":
			w.Write(packed.Bytes())
		case "/loop.xml":
			fmt.Fprintf(w, `<sitemapindex><sitemap><loc>%s/loop.xml</loc></sitemap></sitemapindex>`,
				server.URL)
		case "/page.html":
			io.WriteString(w, "<html></html>")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	write("site/a b.txt", "")
	write("site/x/é%.txt", "")
	write("site/.hidden/a", "")
	write("site/.env", "")
	lines := write("lines", "# a list\n\nhttp://h/a\n  /b  \r\n/b\nhttp://h/a")
	urls, err := warm.Collect(warm.Listed([]string{"/0"}), warm.Lines(lines),
		warm.Folder(filepath.Join(dir, "site"), "/m/"),
		warm.Sitemap(t.Context(), client, server.URL+"/index.xml"), warm.Sitemap(t.Context(),
			client, write("s.xml", "<urlset><url><loc>/4</loc></url></urlset>")))
	want := []string{"/0", "http://h/a", "/b", "/m/a%20b.txt", "/m/x/%C3%A9%25.txt",
		"http://h/1?a=1&b=2", "http://h/2", "http://h/3", "/4"}
	if err != nil || !slices.Equal(urls, want) {
		t.Errorf("%q, %v", urls, err)
	}
	for name, source := range map[string]warm.URLs{
		"no file":     warm.Lines(filepath.Join(dir, "nothing")),
		"no folder":   warm.Folder(filepath.Join(dir, "nothing"), "/"),
		"no sitemap":  warm.Sitemap(t.Context(), client, server.URL+"/nothing"),
		"a loop":      warm.Sitemap(t.Context(), client, server.URL+"/loop.xml"),
		"a page":      warm.Sitemap(t.Context(), client, server.URL+"/page.html"),
		"a long line": warm.Lines(write("long", strings.Repeat("a", 1<<17))),
	} {
		if urls, err := warm.Collect(source); err == nil {
			t.Errorf("%s: %q", name, urls)
		}
	}
}

// TestProgress: failures are lines of their own; a terminal's last line is written over.
func TestProgress(t *testing.T) {
	for _, live := range []bool{false, true} {
		var out bytes.Buffer
		p := warm.NewProgress(&out, live, 2)
		p.Tell(warm.Fetched{URL: "/a", Outcome: warm.Failed, Err: errors.New("why")})
		p.Close()
		if out.String() != "failed: /a: why\n" {
			t.Errorf("live %v: %q", live, out.String())
		}
	}
}
