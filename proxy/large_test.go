package proxy_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// large is a file of ten slabs and a bit.
var large = origintest.File{Size: 10*slab + 5000, ETag: `"v1"`, Modified: origintest.Old,
	Header: maxAge("60")}

func TestDeepRangeOfColdFile(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", large.ServeHTTP)
	const at = 5*slab + 20000
	chunk := int64(5*slab + 16384) // where the chunk of at begins
	resp := n.expect(206, origintest.Content(0, at, at+100), "/files/f",
		fmt.Sprintf("Range: bytes=%d-%d", at, at+99))
	if resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", at, at+99, large.Size) {
		t.Error(resp.Header)
	}
	want := fmt.Sprintf(" %d-%d", chunk, 6*slab-1)
	if got := origintest.Ranges(o.Requests()); got != want {
		t.Errorf("origin was asked for %q, want the head and %q", got, want)
	}
	eventually(t, "the first bytes of the first response are read, too", func() bool {
		more := n.Stats().OriginBytes - most
		return more > 0 && more <= fill.PeekSize
	})
	n.expect(206, origintest.Content(0, at, at+100), "/files/f", fmt.Sprintf("Range: bytes=%d-%d",
		at, at+99))
	if o.Count() != 2 {
		t.Errorf("the same range again: origin was asked for %q", origintest.Ranges(o.Requests()))
	}

	// The whole file now: every byte is asked for that isn't here, and none twice.
	n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
	n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
	n.reads(large.Size)
}

// TestRangesReadNoByteTwice asks for ranges in a bad order, all at once and one by one. The answer
// to the plain GET is read on until a request for a part has been accepted, which is known when the
// first bytes of the part have come. If by then the bytes there have been read from the plain
// answer, no more is read of the part: so but for those first bytes, no byte is read twice.
func TestRangesReadNoByteTwice(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			var book logbook
			logger := zerolog.New(&book)
			// nothing is evicted
			n, o := fronting(t, proxy.Config{Logger: &logger, Memory: 2 * memory})
			o.Handle("/f", large.ServeHTTP)
			var wg sync.WaitGroup
			for i := range int64(60) {
				start := i * 7919 * 13 % large.Size
				end := min(start+30000, large.Size)
				get := func() {
					resp, err := n.try(http.MethodGet, "/files/f", fmt.Sprintf("Range: bytes=%d-%d",
						start, end-1))
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					v := &origintest.Verifier{Off: start}
					if _, err := io.Copy(v, resp.Body); err != nil || v.Off != end ||
						resp.StatusCode != 206 {
						t.Errorf("[%d, %d): %d, %v at %d", start, end, resp.StatusCode, err, v.Off)
					}
				}
				if parallel {
					wg.Go(get)
				} else {
					get()
				}
			}
			wg.Wait()
			n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
			eventually(t, "all bodies have ended", func() bool {
				return len(book.lines(t,
					"origin")) == o.Count()
			})
			twice := readTwice(t, book.lines(t, "origin"), large.Size)
			if n.reads(large.Size + twice); twice > 0 && !parallel {
				t.Errorf("%d bytes were read twice", twice)
			}
		})
	}
}

// readTwice returns how many bytes of a file were read twice, of which each must be one of the
// first of a body that ended after these.
func readTwice(t *testing.T, lines []map[string]any, size int64) (twice int64) {
	t.Helper()
	bytes := func(line map[string]any) int64 { return int64(line["bytes"].(float64)) }
	slices.SortFunc(lines, func(a, b map[string]any) int { return cmp.Compare(bytes(b), bytes(a)) })
	read := make([]bool, size)
	for _, line := range lines {
		start, again := int64(0), int64(0)
		if span, ok := line["range"].(string); ok {
			if _, err := fmt.Sscanf(span, "bytes=%d-", &start); err != nil {
				t.Fatal(span, err)
			}
		}
		for at := start; at < start+bytes(line); at++ {
			if read[at] {
				again++
			}
			read[at] = true
		}
		if twice += again; again > 0 && bytes(line) > fill.PeekSize {
			t.Errorf("%d bytes were read from %d on, of which %d had been read", bytes(line), start,
				again)
		}
	}
	return twice
}

// dropping serves f but breaks the connection of the first request after so many bytes of content.
func dropping(f origintest.File, after int, then http.HandlerFunc) http.HandlerFunc {
	var asked atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Swap(true) {
			then(w, r)
			return
		}
		f.ServeHTTP(&cutter{ResponseWriter: w, left: after}, r)
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) > c.left {
		if _, err := c.ResponseWriter.Write(b[:c.left]); err == nil {
			c.ResponseWriter.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

func TestDroppedConnectionIsResumed(t *testing.T) {
	for name, c := range map[string]struct {
		file      origintest.File
		condition string
	}{
		"etag": {large, `"v1"`},
		"last-modified": {origintest.File{Size: large.Size, Modified: origintest.Old,
			Header: maxAge("60")}, origintest.Old.Format(http.TimeFormat)},
	} {
		t.Run(name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			const at = 33333
			o.Handle("/f", dropping(c.file, at, c.file.ServeHTTP))
			n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
			resumed := slices.IndexFunc(o.Requests(), func(r origintest.Request) bool {
				return r.Header.Get("Range") == fmt.Sprintf("bytes=%d-", at) &&
					r.Header.Get("If-Range") == c.condition
			})
			if resumed < 1 { // others may have asked for what comes after it
				t.Errorf("not resumed under %s: %q", c.condition, origintest.Ranges(o.Requests()))
			}
			n.reads(large.Size)
		})
	}
}

// TestBrokenBodyAborts: a response that can't be completed from the same version ends as an error,
// never as complete, and isn't served to anyone again.
func TestBrokenBodyAborts(t *testing.T) {
	v2 := large
	v2.ETag, v2.Seed = `"v2"`, 99
	bare := origintest.File{Size: 50000, Header: maxAge("60")}
	chunked := origintest.File{Size: 50000, Header: maxAge("60"), Chunked: true}
	for name, c := range map[string]struct{ before, after origintest.File }{
		"validator has changed": {large, v2},
		"no validator":          {bare, bare},
		"chunked, no validator": {chunked, chunked},
		"validator but no ranges": {origintest.File{Size: 50000, ETag: `"v1"`, NoRanges: true,
			Header: maxAge("60")}, v2},
	} {
		t.Run(name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			const at = 33333
			o.Handle("/f", dropping(c.before, at, c.after.ServeHTTP))
			resp := n.do(http.MethodGet, "/files/f")
			v := &origintest.Verifier{}
			_, err := io.Copy(v, resp.Body)
			resp.Body.Close()
			if err == nil || v.Off > at || !strings.Contains(err.Error(), "EOF") {
				t.Errorf("the client got %d bytes and %v", v.Off, err)
			}
			n.expect(200, origintest.Content(c.after.Seed, 0, c.after.Size), "/files/f")
		})
	}
}

// TestLongBodyIsCutAtItsLength: what comes after Content-Length belongs to nobody.
func TestLongBodyIsCutAtItsLength(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: "+
			"max-age=60\r\n\r\nhazelHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwalnut")
		rw.Flush()
	})
	for _, path := range []string{"/files/f", "/files/f", "/files/f?2"} {
		n.expect(200, []byte("hazel"), path)
	}
}

func TestChangedFileRestartsBeforeTheHead(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", large.ServeHTTP)
	n.expect(206, origintest.Content(0, 0, 10), "/files/f", "Range: bytes=0-9")
	v2 := large
	v2.ETag, v2.Seed, v2.Size = `"v2"`, 5, 3*slab
	o.Handle("/f", v2.ServeHTTP)
	// The record is fresh and of version 1, but the bytes asked for aren't here, and can be had of
	// version 2 only.
	resp := n.expect(206, origintest.Content(5, 2*slab, 2*slab+10), "/files/f",
		fmt.Sprintf("Range: bytes=%d-%d", 2*slab, 2*slab+9))
	if got := resp.Header.Get("Etag"); got != `"v2"` {
		t.Errorf("ETag %s", got)
	}
	n.expect(200, origintest.Content(5, 0, 3*slab), "/files/f")
}

// stuck is a client who takes no bytes until told to.
type stuck struct {
	*httptest.ResponseRecorder
	wrote chan struct{} // receives before each write
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.wrote
	return s.ResponseRecorder.Write(b)
}

// gated sends so many bytes and the rest when the gate is open.
type gated struct {
	http.ResponseWriter
	left int
	gate <-chan struct{}
}

func (g *gated) Flush() { g.ResponseWriter.(http.Flusher).Flush() }

func (g *gated) Write(b []byte) (int, error) {
	if g.left == 0 {
		<-g.gate
		return g.ResponseWriter.Write(b)
	}
	n, err := g.ResponseWriter.Write(b[:g.left])
	g.left -= n
	g.Flush()
	if err == nil && n < len(b) {
		m, e := g.Write(b[n:])
		n, err = n+m, e
	}
	return n, err
}

// TestUnrepeatableBodyWaitsForItsSlowestReader: a body that can't be asked for again and is too
// large to be kept isn't read further than the slowest of its readers allows.
func TestUnrepeatableBodyWaitsForItsSlowestReader(t *testing.T) {
	oneNode(t)
	const size, hold = 3 * memory, memory / 4
	n, o := fronting(t, proxy.Config{})
	f := origintest.File{Size: size, Chunked: true, NoRanges: true, Header: maxAge("60")}
	gate := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(&gated{w, first,
			gate}, r)
	})
	slow := &stuck{httptest.NewRecorder(), make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() { n.ServeHTTP(slow, httptest.NewRequest(http.MethodGet, "/files/f", nil)) })
	for n.Stats().OriginBytes == 0 {
		runtime.Gosched()
	}
	fast := n.do(http.MethodGet, "/files/f")
	defer fast.Body.Close()
	v := &origintest.Verifier{}
	if _, err := io.CopyN(v, fast.Body, first); err != nil {
		t.Fatal(err)
	}
	close(gate)
	if _, err := io.CopyN(v, fast.Body, hold-most); err != nil {
		t.Fatal(err)
	}
	if got := n.Stats().OriginBytes; got > first+hold {
		t.Errorf("%d bytes were read while the slow client has had %d; at most %d may be held", got,
			first, hold)
	}
	if o.Count() != 1 {
		t.Errorf("%d origin requests for two who came at once", o.Count())
	}
	close(slow.wrote)
	if _, err := io.Copy(v, fast.Body); err != nil || v.Off != size {
		t.Errorf("fast client: %v at %d", err, v.Off)
	}
	wg.Wait()
	if _, err := (&origintest.Verifier{}).Write(slow.Body.Bytes()); err != nil ||
		slow.Body.Len() != size {
		t.Errorf("slow client: %d bytes, %v", slow.Body.Len(), err)
	}
	// It can't be had from the cache: its record is gone, and the next one asks the origin.
	n.expect(200, origintest.Content(0, 0, size), "/files/f")
	if o.Count() != 2 || n.Stats().ChunkBytes > 2*(hold+most) {
		t.Errorf("%d origin requests, %d bytes of chunks", o.Count(), n.Stats().ChunkBytes)
	}
}

func TestRangeOfABodyThatIsntKeptGoesToTheOrigin(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	// gives ranges, but under no strong validator
	f := origintest.File{Size: memory, ETag: `W/"1"`, Header: maxAge("60")}
	o.Handle("/f", f.ServeHTTP)
	resp := n.expect(206, origintest.Content(0, memory-10, memory), "/files/f", "Range: bytes=-10")
	n.cacheStatus(resp, "fwd=partial")
}

// TestPartThatIsTooLargeToBeKept: a client who resumes a file that isn't kept gets the part as the
// origin sends it, on any node, whether the whole has been asked for before or not.
func TestPartThatIsTooLargeToBeKept(t *testing.T) {
	for name, f := range map[string]origintest.File{
		"/weak":   {Size: memory, ETag: `W/"1"`, Header: maxAge("60")},
		"/none":   {Size: memory, Header: maxAge("60")},
		"/strong": {Size: memory, ETag: `"1"`, Header: maxAge("60")},
	} {
		c := newCluster(t, 3, proxy.Config{})
		c.o.Handle(name, f.ServeHTTP)
		for i := range 2 {
			for _, n := range c.nodes {
				for field, from := range map[string]int64{"Range: bytes=0-": 0,
					"Range: bytes=1000-": 1000, "Range: bytes=-400000": memory - 400000} {
					n.expect(206, origintest.Content(0, from, memory), "/files"+name, field)
				}
				if i == 0 {
					n.expect(200, origintest.Content(0, 0, memory), "/files"+name)
				}
			}
		}
	}
}

func TestEvictedFileIsFetchedAgain(t *testing.T) {
	oneNode(t)
	n, o := fronting(t, proxy.Config{})
	for name, f := range map[string]origintest.File{
		"/ranges": {Size: 2*slab + 10, ETag: `"1"`, Modified: origintest.Old,
			Header: maxAge("60")},
		"/noranges": {Size: 2*slab + 10, NoRanges: true, Header: maxAge("60")},
	} {
		o.Handle(name, f.ServeHTTP)
		n.expect(200, origintest.Content(0, 0, f.Size), "/files"+name)
		for i := range 10 { // push it out
			other := fmt.Sprint("/other", i)
			o.Handle(other, origintest.File{Size: 2 * slab, ETag: strconv.Quote(other),
				Modified: origintest.Old, Header: maxAge("60")}.ServeHTTP)
			for range 2 {
				n.expect(200, origintest.Content(0, 0, 2*slab), "/files"+other)
			}
		}
		o.Forget()
		n.expect(200, origintest.Content(0, 0, f.Size), "/files"+name)
		if o.Count() == 0 || o.Count() > 3 {
			t.Errorf("%s, evicted: %d origin requests: %q", name, o.Count(),
				origintest.Ranges(o.Requests()))
		}
	}
	if s := n.Stats(); s.ChunkBytes > memory || s.Evictions == 0 {
		t.Errorf("%+v", s)
	}
}

// TestRangesOfAStreamedBodyHoldUpNobody: who asks for parts of a body that isn't kept gets them
// from the origin, and the others all of it.
func TestRangesOfAStreamedBodyHoldUpNobody(t *testing.T) {
	const size = 3 * memory
	for _, field := range []string{"Range: bytes=0-299999,500000-500009", "Range: bytes=400000-"} {
		n, o := fronting(t, proxy.Config{})
		f := origintest.File{Size: size, ETag: `W/"1"`, Header: maxAge("60")}
		all := make(chan struct{})
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			<-all
			f.ServeHTTP(w, r)
		})
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if i%2 == 0 {
					n.expect(200, origintest.Content(0, 0, size), "/files/f")
					return
				}
				resp, err := n.try(http.MethodGet, "/files/f", field)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if got, err := io.Copy(io.Discard, resp.Body); err != nil || got < 300000 ||
					resp.StatusCode != 206 {
					t.Errorf("%s: %s, %d bytes, %v", field, resp.Status, got, err)
				}
			})
		}
		close(all)
		wg.Wait()
	}
}
