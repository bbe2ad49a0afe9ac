package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/golang/groupcache"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/race"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestManyProxiesLiveAndDie: hundreds of proxies in one process leave nothing behind.
func TestManyProxiesLiveAndDie(t *testing.T) {
	content := strings.Repeat("nuts", 20<<10)
	tripper := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Cache-Control": {"max-age=60"}},
			Request:       r,
			ContentLength: int64(len(content)), Body: io.NopCloser(strings.NewReader(content))}, nil
	})
	round := func() {
		p, err := proxy.New(small(proxy.Config{Origin: tripper}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			w := httptest.NewRecorder()
			p.ServeHTTP(w, httptest.NewRequest("GET", fmt.Sprint("/files/", i), nil))
			if w.Body.String() != content {
				t.Fatalf("%d %d bytes", w.Code, w.Body.Len())
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	round()
	goroutines, before := runtime.NumGoroutine(), heap()
	for range race.Cases(300) {
		round()
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d proxies left %d bytes", race.Cases(300), grown)
	}
	if left := runtime.NumGoroutine() - goroutines; left > 10 {
		t.Errorf("%d proxies left %d goroutines", race.Cases(300), left)
	}
}

// TestMemoryStaysWithinTheBudget: what passes through, of whatever kind, doesn't stay.
func TestMemoryStaysWithinTheBudget(t *testing.T) {
	const size, files = 256 << 10, 300
	for name, header := range map[string]http.Header{
		"kept":   {"Cache-Control": {"max-age=60"}},
		"ranges": {"Cache-Control": {"max-age=60"}, "Etag": {`"1"`}, "Accept-Ranges": {"bytes"}},
		"passed": {"Cache-Control": {"no-store"}},
	} {
		t.Run(name, func(t *testing.T) {
			content := origintest.Content(0, 0, size)
			p, err := proxy.New(small(proxy.Config{Memory: 4 << 20, FirstChunk: first,
				MaxChunk: most, Slab: 2 * size,
				Origin: roundTrip(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: header.Clone(), Request: r,
						ContentLength: size, Body: io.NopCloser(bytes.NewReader(content))}, nil
				})}))
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			before := heap()
			for i := range files {
				w := &discard{header: http.Header{}}
				p.ServeHTTP(w, httptest.NewRequest("GET", fmt.Sprint("/files/", i), nil))
				if w.bytes != size {
					t.Fatalf("file %d: %d bytes", i, w.bytes)
				}
			}
			for p.Stats().LiveFills > 0 {
				runtime.Gosched()
			}
			if held := heap() - before; held > 6<<20 {
				t.Errorf("%d bytes are held, of a budget of %d: %+v", held, 4<<20, p.Stats())
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestClosedProxy(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", origintest.File{Size: 10, Header: maxAge("60")}.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, 10), "/files/f")
	if err := errors.Join(n.Proxy.Close(), n.Proxy.Close()); err != nil {
		t.Error(err)
	}
	if resp, _ := n.get("/files/g"); resp.StatusCode != 503 {
		t.Errorf("a closed proxy answers %s", resp.Status)
	}
}

// TestForeignPicker runs in a process that uses groupcache with peers of its own.
func TestForeignPicker(t *testing.T) {
	const mark = "SCURRY_TEST_FOREIGN_PICKER"
	if os.Getenv(mark) != "" {
		groupcache.RegisterPeerPicker(func() groupcache.PeerPicker { return groupcache.NoPeers{} })
		_, err := proxy.New(proxy.Config{Origin: http.NewFileTransport(http.Dir("."))})
		fmt.Println("New says:", errors.Is(err, proxy.ErrRegistered), err)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestForeignPicker$")
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "New says: true") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestBadConfig(t *testing.T) {
	ok := http.NewFileTransport(http.Dir("."))
	for want, cfg := range map[string]proxy.Config{
		"origin":    {},
		"too small": {Origin: ok, Memory: 100 << 20},
		"multiple":  {Origin: ok, Slab: 3 << 19},
		"power":     {Origin: ok, MaxChunk: 3 << 15},
		"http":      {Origin: origin.HTTP(nil)},
	} {
		if p, err := proxy.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, %v; want an error that says %q", cfg, p, err, want)
		}
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	write("1.txt", "one", time.Hour)
	write("sub/index.html", "<p>sub", time.Hour)
	write("a b/c?.txt", "c", time.Hour)
	write(".secret", "secret", time.Hour)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "escape")); err != nil {
		t.Fatal(err)
	}
	d, err := origin.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	now := newClock()
	n := newNode(t, proxy.Config{Origin: d, Now: now.Now})

	n.cacheStatus(n.expect(200, []byte("one"), "/files/1.txt"), "stored")
	resp := n.expect(200, []byte("one"), "/zk?key=1.txt")
	n.cacheStatus(resp, "hit")
	if got := resp.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	n.expect(200, []byte("c"), "/files/a%20b/c%3F.txt")
	n.expect(200, []byte("c"), "/zk?key=a+b/c?.txt")
	if resp, _ := n.get("/files/sub"); resp.StatusCode != 301 ||
		resp.Header.Get("Location") != "/files/sub/" {
		t.Errorf("%s to %q", resp.Status, resp.Header.Get("Location"))
	}
	n.expect(200, []byte("<p>sub"), "/files/sub/")
	for _, path := range []string{"/files/none", "/files/.secret", "/files/escape",
		"/files/sub%2findex.html", "/zk?key=/etc/passwd", "/files//etc/passwd", "/files/"} {
		n.expect(404, []byte("404 Not Found\n"), path)
	}
	if resp, _ := n.read(n.do("POST", "/files/1.txt")); resp.StatusCode != 405 ||
		resp.Header.Get("Allow") == "" {
		t.Errorf("POST to a directory: %s", resp.Status)
	}

	write("1.txt", "uno", time.Minute)
	now.Advance(2 * time.Minute)
	n.cacheStatus(n.expect(200, []byte("uno"), "/files/1.txt"), "fwd=stale; fwd-status=200")
	now.Advance(2 * time.Minute)
	n.cacheStatus(n.expect(200, []byte("uno"), "/files/1.txt"), "fwd=stale; fwd-status=304")
}
