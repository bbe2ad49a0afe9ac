package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// discard is a ResponseWriter that costs next to nothing, so that what is measured is the handler.
type discard struct {
	header http.Header
	status int
	bytes  int64
}

func (d *discard) Header() http.Header    { return d.header }
func (d *discard) WriteHeader(status int) { d.status = status }
func (d *discard) Write(b []byte) (int, error) {
	d.bytes += int64(len(b))
	return len(b), nil
}

// contenders are the handlers that serve the same file of that size at /files/f.
func contenders(b *testing.B, size int64) map[string]http.Handler {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, origintest.Content(0, 0, size), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Chtimes(path, origintest.Old, origintest.Old); err != nil {
		b.Fatal(err)
	}
	d, err := origin.OpenDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	p, err := proxy.New(proxy.Config{Origin: d, HeuristicLimit: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })

	files := http.StripPrefix("/files/", http.FileServer(http.Dir(dir)))
	o := origintest.New(b)
	o.Handle("/files/f", files.ServeHTTP)
	transport := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	reverse := &httputil.ReverseProxy{Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(o.Base) }}
	return map[string]http.Handler{"scurry": p, "FileServer": files, "ReverseProxy": reverse}
}

var order = []string{"scurry", "FileServer", "ReverseProxy"}

func bench(b *testing.B, size int64, status int, fields ...string) {
	handlers := contenders(b, size)
	for _, name := range order {
		h := handlers[name]
		b.Run("by="+name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/files/f", nil)
			r.Header.Set("User-Agent", "bench")
			r.Header.Set("Accept", "*/*")
			warm := httptest.NewRecorder()
			h.ServeHTTP(warm, r)
			for i := 0; i < len(fields); i += 2 {
				value := fields[i+1]
				if value == "ETAG" {
					value = warm.Header().Get("Etag")
				}
				if value == "" { // FileServer has no ETags
					r.Header.Set("If-Modified-Since", warm.Header().Get("Last-Modified"))
					continue
				}
				r.Header.Set(fields[i], value)
			}
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				w.bytes, w.status = 0, 0
				h.ServeHTTP(w, r)
			}
			if w.status != status && !(w.status == 0 && status == 200) {
				b.Fatalf("status %d", w.status)
			}
			b.SetBytes(w.bytes)
		})
	}
}

func BenchmarkHit(b *testing.B) {
	for _, size := range []int64{1 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) { bench(b, size, 200) })
	}
}

func BenchmarkRange(b *testing.B) { bench(b, 64<<20, 206, "Range", "bytes=40000000-40065535") }

func BenchmarkSeveralRanges(b *testing.B) {
	for _, size := range []int64{1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			bench(b, size, 206, "Range", "bytes=100000-100099,500000-500099,900000-900099")
		})
	}
}

func BenchmarkNotModified(b *testing.B) { bench(b, 1<<10, 304, "If-None-Match", "ETAG") }

// BenchmarkLoggedHit is a hit of 1 KiB with its line in the log, which goes to a file by way of the
// queue, or directly.
func BenchmarkLoggedHit(b *testing.B) {
	out, err := os.OpenFile(filepath.Join(b.TempDir(), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY,
		0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	queued, queue := logging.New(out, "json", zerolog.InfoLevel)
	defer queue.Close(time.Minute)
	direct := queued.Output(out)
	for _, log := range []struct {
		by  string
		log *zerolog.Logger
	}{{"none", nil}, {"queue", &queued}, {"direct", &direct}} {
		b.Run("by="+log.by, func(b *testing.B) {
			o := origintest.New(b)
			o.Handle("/f", origintest.File{Size: 1 << 10, ETag: `"1"`,
				Header: maxAge("6000")}.ServeHTTP)
			p, err := proxy.New(proxy.Config{Origin: origin.HTTP(o.Base), Logger: log.log})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { p.Close() })
			r := httptest.NewRequest(http.MethodGet, "/files/f", nil)
			r.Header.Set("User-Agent", "bench")
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				p.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkMiss fetches a new file through a real connection each time, as ReverseProxy does.
func BenchmarkMiss(b *testing.B) {
	for _, size := range []int64{1 << 10, 1 << 20} {
		o := origintest.New(b)
		body := origintest.Content(0, 0, size)
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Cache-Control"] = []string{"max-age=60"}
			w.Header()["Content-Length"] = []string{fmt.Sprint(size)}
			w.Write(body)
		})
		server := origin.HTTP(o.Base)
		b.Cleanup(server.CloseIdleConnections)
		p, err := proxy.New(proxy.Config{Origin: server})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close() })
		reverse := &httputil.ReverseProxy{Transport: server,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(o.Base)
				r.Out.URL.Path = "/f"
			}}
		i := 0 // goes on from run to run, so that no file has been asked for before
		for _, name := range []string{"scurry", "ReverseProxy"} {
			b.Run(fmt.Sprintf("size=%d/by=%s", size, name), func(b *testing.B) {
				w := &discard{header: http.Header{}}
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					i++
					r := httptest.NewRequest(http.MethodGet, fmt.Sprint("/files/f?", i), nil)
					if name == "scurry" {
						p.ServeHTTP(w, r)
					} else {
						reverse.ServeHTTP(w, r)
					}
				}
			})
		}
	}
}

// TestHitIsCheap: a hit of a small file through the handler allocates no more than FileServer does.
func TestHitIsCheap(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), origintest.Content(0, 0, 1<<10),
		0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "f"), origintest.Old, origintest.Old); err != nil {
		t.Fatal(err)
	}
	d, err := origin.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p, err := proxy.New(proxy.Config{Origin: d, HeuristicLimit: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r := httptest.NewRequest(http.MethodGet, "/files/f", nil)
	w := &discard{header: http.Header{}}
	p.ServeHTTP(w, r)
	eventually(t, "the file is held", func() bool { return p.Stats().LiveFills == 0 })
	allocs := func(h http.Handler) float64 {
		return testing.AllocsPerRun(200, func() { clear(w.header); h.ServeHTTP(w, r) })
	}
	ours, theirs := allocs(p), allocs(http.StripPrefix("/files/", http.FileServer(http.Dir(dir))))
	t.Logf("allocations: scurry %v, FileServer %v", ours, theirs)
	if ours > theirs {
		t.Errorf("a hit allocates %v times, FileServer %v times", ours, theirs)
	}
}
