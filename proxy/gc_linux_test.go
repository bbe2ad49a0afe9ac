package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/scurrycache/scurry/proxy"
)

// BenchmarkGC is what a collection of a full cache costs: the processor time of its marking, for
// each file, too, and the objects that a file takes. The figure "bare" is the processor time as a
// part of what it is for a map that has the same number of files, each a slice under its URL. Then
// the full cache takes in other files; "gc-share" is the part of the processor's time that the
// collections have of that, "assists" is what of that those do who allocate, and "pause" is the
// median of the pauses. SCURRY_BENCH_MEMORY is the cache's size, which is 64 MiB else.
//
//	go test -run '^$' -bench GC -benchtime 10x ./proxy
func BenchmarkGC(b *testing.B) {
	memory := benchMemory(b)
	// as the command does
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memory + memory/4 + 44<<20))
	for _, size := range []int{500, 1000, 16_000, 64_000, 1_000_000} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			before := collect()
			p := fullProxy(b, memory, size)
			held, files := collect(), float64(p.Stats().Records)
			var cpu []float64
			for b.Loop() {
				cpu = append(cpu, collect().cpu)
			}
			mark := median(cpu)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(files, "files")
			b.ReportMetric((held.objects-before.objects)/files, "objects/file")
			b.ReportMetric((held.bytes-before.bytes)/float64(memory), "of-memory")
			b.ReportMetric(mark*1e3, "mark-ms")
			b.ReportMetric(mark*1e9/files, "mark-ns/file")
			reportMisses(b, p, size, mark)
			p.Close()
			if files > 10_000 { // else what else is there counts for more
				b.ReportMetric(mark/markBare(int(files), size, b.N), "bare")
			}
		})
	}
}

// reportMisses has a full cache take in other files, and reports what part of the processor's time
// the collections have, each of which takes so many seconds, how they hold up others, and what each
// miss allocates.
func reportMisses(b *testing.B, p *proxy.Proxy, size int, collection float64) {
	const first = 10_000_000
	misses := min(20_000, 1<<30/size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, assisted := cpuSeconds(), assistSeconds()
	askAll(p, first, first+misses)
	took := cpuSeconds() - start
	assisted = assistSeconds() - assisted
	runtime.ReadMemStats(&after)
	cycles := float64(after.NumGC - before.NumGC)
	b.ReportMetric(cycles*collection/took, "gc-share")
	b.ReportMetric(assisted/took, "assists")
	if n := min(int(cycles), len(after.PauseNs)); n > 0 {
		var pauses []float64
		for i := range uint32(n) {
			pauses = append(pauses, float64(after.PauseNs[(after.NumGC-i+255)%256])/1e3)
		}
		b.ReportMetric(median(pauses), "pause-µs")
	}
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(misses), "B/miss")
	b.ReportMetric(took*1e6/float64(misses), "cpu-µs/miss")
	b.ReportMetric(cycles*1000/float64(misses), "cycles/1000-misses")
}

func benchMemory(b *testing.B) int64 {
	env := os.Getenv("SCURRY_BENCH_MEMORY")
	if env == "" {
		return 64 << 20
	}
	n, err := humanize.ParseBytes(env)
	if err != nil {
		b.Fatal(err)
	}
	return int64(n)
}

// fullProxy returns a proxy that holds as many files of that size as it can.
func fullProxy(b *testing.B, memory int64, size int) *proxy.Proxy {
	p, err := proxy.New(proxy.Config{Origin: &usual{sizes: map[string]int{"f": size}},
		Memory: memory,
		Slab:   memory / 8})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })
	askAll(p, 0, int(memory*5/4/int64(size+500)))
	return p
}

// askAll asks p for the files from one number to another.
func askAll(p *proxy.Proxy, from, to int) {
	w := &discard{header: http.Header{}}
	some := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := from; i < to; i++ {
		clear(w.header)
		r := *some
		r.RequestURI = fmt.Sprintf("/files/f/%08d", i)
		r.URL = &url.URL{Path: r.RequestURI}
		p.ServeHTTP(w, &r)
	}
	for p.Stats().LiveFills > 0 {
		runtime.Gosched()
	}
}

// markBare is the processor time of a collection of so many files in a map.
func markBare(files, size, times int) float64 {
	m := make(map[string][]byte, files)
	for i := range files {
		m[fmt.Sprintf("/files/f/%08d", i)] = make([]byte, size)
	}
	var cpu []float64
	for range times {
		cpu = append(cpu, collect().cpu)
	}
	runtime.KeepAlive(m)
	return median(cpu)
}

// collection is what a collection has cost, in seconds, and what it has left.
type collection struct{ cpu, objects, bytes float64 }

// collect collects, and then once more, which is what is measured.
func collect() collection {
	runtime.GC()
	before := cpuSeconds()
	runtime.GC()
	c := collection{cpu: cpuSeconds() - before}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.objects, c.bytes = float64(m.HeapObjects), float64(m.HeapAlloc)
	return c
}

// assistSeconds is the time that goroutines that allocate have spent on collections.
func assistSeconds() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64()
}

// cpuSeconds is the processor time that this process has taken.
func cpuSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it can't fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
