package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/chunk"
)

// find is what a client would be answered from, fresh or stale.
func find(s *Store, key string, request http.Header) *Record {
	rec, _ := s.Find(key, request, false)
	return rec
}

func sampleRecord(now time.Time) *Record {
	r := &Record{
		Details: &Details{
			Vary: []string{"Accept", "X"}, Variant: "a\x00b",
			Trailer:   http.Header{"Checksum": {"42"}},
			PassUntil: Until(now.Add(time.Second)), Groups: []string{"g", "h"},
		},
		Version: "v", Revision: 1 << 63, Status: 200, Fragments: true,
		standing: standing{RetryAfter: Until(now.Add(time.Minute))},
		Length:   5, Rangeable: true, OneSlab: true,
	}
	r.SetTimes(now.Add(-2*time.Second), now.Add(-time.Second))
	r.SetFields(http.Header{"Etag": {`"1"`}, "X": {"one", "", "\xff\xfe"}})
	r.SetSelecting(http.Header{"Accept": {"*/*"}})
	r.small = smallContent([]byte("acorn"))
	return r
}

func TestRecordSurvivesTheWire(t *testing.T) {
	here, there := time.Now(), time.Now().Add(time.Hour) // clocks that differ
	rec := sampleRecord(here)
	rec.HeadOnly = true
	got, err := Decode(rec.Encode(here), there)
	if err != nil {
		t.Fatal(err)
	}
	rec.SetTimes(there.Add(-2*time.Second), there.Add(-time.Second))
	rec.PassUntil, rec.RetryAfter = Until(there.Add(time.Second)), Until(there.Add(time.Minute))
	if !reflect.DeepEqual(got, rec) {
		t.Errorf("%+v, want %+v", got, rec)
	}
}

func FuzzDecode(f *testing.F) {
	now := time.Now()
	whole := sampleRecord(now).Encode(now)
	f.Add(whole)
	for i := range whole {
		f.Add(whole[:i])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := Decode(b, now)
		if err != nil {
			return
		}
		again, err := Decode(rec.Encode(now), now)
		if err != nil || again.Version != rec.Version || again.Head != rec.Head {
			t.Fatalf("%+v became %+v, %v", rec, again, err)
		}
	})
}

// canned is a Source that serves one representation, of size bytes, for every key.
type canned struct {
	size      int64
	rangeable bool
	wait      chan struct{} // Fetch waits for it, if it isn't nil

	mu      sync.Mutex
	fetches int
	opens   []string
}

func (c *canned) Failed(err error) *Failure { return &Failure{Status: 502, Kind: "x", Err: err} }

func (c *canned) Fetch(context.Context, *Request, *Record) (*OriginResponse, error) {
	c.mu.Lock()
	c.fetches++
	c.mu.Unlock()
	if c.wait != nil {
		<-c.wait
	}
	rec := &Record{Status: 200, Length: c.size, Rangeable: c.rangeable, Resumable: c.rangeable,
		Details: &Details{}}
	rec.SetTimes(time.Now(), time.Now())
	rec.SetFields(http.Header{"Cache-Control": {"max-age=600"}})
	f := &OriginResponse{Record: rec, Storable: true,
		Body: io.NopCloser(strings.NewReader(content(0, c.size)))}
	if c.rangeable {
		f.Validator = "1"
	}
	return f, nil
}

func (c *canned) Open(_ context.Context, by Fields, _ *Record, off, end int64) (OriginBody, error) {
	by.Note()
	c.mu.Lock()
	c.opens = append(c.opens, fmt.Sprintf("%d-%d", off, end))
	c.mu.Unlock()
	if end < 0 {
		end = c.size
	}
	return OriginBody{Body: io.NopCloser(strings.NewReader(content(off, end))), Length: c.size}, nil
}

func content(start, end int64) string {
	b := make([]byte, end-start)
	for i := range b {
		n := start + int64(i)
		b[i] = byte(n>>8) ^ byte(n)*31
	}
	return string(b)
}

func open(t *testing.T, src Source) *Store {
	t.Helper()
	return openWith(t, src, 1<<20)
}

func openWith(t *testing.T, src Source, memory int64) *Store {
	t.Helper()
	s, err := New(Config{
		Memory: memory, Geometry: chunk.Geometry{First: 1 << 10, Max: 8 << 10, Slab: 64 << 10},
		Source: src,
		Keys:   &plainKeys{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func readAll(t *testing.T, r *Reader) string {
	t.Helper()
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return readOn(t, r)
}

// readOn is readAll for a response whose head is out.
func readOn(t *testing.T, r *Reader) string {
	t.Helper()
	var b bytes.Buffer
	for {
		p, err := r.Next(t.Context(), nil)
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", b.Len(), err)
		}
		b.Write(p)
	}
}

// TestReaderReadsEveryPart reads random parts, of which some are here, some are being read and some
// are yet to be asked for; no byte is asked for twice.
func TestReaderReadsEveryPart(t *testing.T) {
	src := &canned{size: 5*(64<<10) + 777, rangeable: true}
	s := open(t, src)
	res, err := s.Fetch(t.Context(), &Request{Key: "k"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 40 {
				start := r.Int64N(src.size)
				end := start + 1 + r.Int64N(min(src.size-start, 50000))
				var rd Reader
				s.Reader(&rd, &Fields{}, res.Record, start, end)
				if got := readAll(t, &rd); got != content(start, end) {
					t.Errorf("[%d, %d): %d wrong bytes", start, end, len(got))
				}
			}
		})
	}
	wg.Wait()
	asked := map[int64]bool{}
	for _, o := range src.opens {
		var start, end int64
		if _, err := fmt.Sscanf(o, "%d-%d", &start, &end); err != nil || end >= 0 && start >= end {
			t.Fatal(o)
		}
		if asked[start] {
			t.Errorf("byte %d was asked for twice: %v", start, src.opens)
		}
		asked[start] = true
	}
}

func TestKeysAreURLSafeAndTellApart(t *testing.T) {
	s := open(t, &canned{})
	seen := map[string]bool{}
	for _, key := range []string{"a", "b", "a b", "a/../b?c=%00", strings.Repeat("x", 8000), "é"} {
		for _, version := range []string{"v", "w"} {
			for _, id := range []chunk.ID{{}, {Index: 1}, {Slab: 1}, {Slab: 11},
				{Slab: 1, Index: 1}} {
				k := s.chunkKey(&Record{Key: key, Details: plain, Version: version}, id)
				if seen[k] || len(k) > 100 ||
					strings.Trim(k, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
					t.Errorf("key %q for %.20q %s %v", k, key, version, id)
				}
				seen[k] = true
			}
		}
	}
}

// TestVersionIsAFunctionOfTheValidator: every node derives the same; without a validator no two
// fetches do.
func TestVersionIsAFunctionOfTheValidator(t *testing.T) {
	one, two := open(t, &canned{}), open(t, &canned{})
	record := func(change func(*Record)) *Record {
		r := NewRecord()
		r.Key, r.Status = "k", 200
		change(r)
		return r
	}
	rec := record(func(*Record) {})
	if one.version(rec, "etag 1", 0) != two.version(rec, "etag 1", 0) {
		t.Error("two nodes derive different versions of one validator")
	}
	for name, other := range map[string]string{
		"validator": one.version(rec, "etag 2", 0),
		"key":       one.version(record(func(r *Record) { r.Key = "l" }), "etag 1", 0),
		"variant":   one.version(record(func(r *Record) { r.Variant = "de" }), "etag 1", 0),
		"mark":      one.version(rec, "etag 1", 1),
		"length":    one.version(record(func(r *Record) { r.Length = 1 }), "etag 1", 0),
		"coding":    one.version(record(func(r *Record) { r.SetFields(http.Header{"Content-Encoding": {"gzip"}}) }), "etag 1", 0),
		"slabs":     one.version(record(func(r *Record) { r.OneSlab = true }), "etag 1", 0),
	} {
		if other == one.version(rec, "etag 1", 0) {
			t.Errorf("another %s doesn't make another version", name)
		}
	}
	if fetched, again := one.version(rec, "", 0), one.version(rec, "", 0); fetched == again {
		t.Error("two fetches without a validator have one version")
	}
}

func TestRecordsStayWithinTheirShare(t *testing.T) {
	s := open(t, &canned{size: 1})
	for i := range 2000 {
		res, err := s.Fetch(t.Context(), &Request{Key: fmt.Sprint("k", i), Whole: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Close()
	}
	if u := s.Usage(); u.RecordBytes > s.cfg.Memory/recordsShare || u.Records < 10 {
		t.Errorf("%+v", u)
	}
	for s.Usage().LiveFills > 0 {
		runtime.Gosched()
	}
	if len(s.byVersion) > int(s.Usage().Records) {
		t.Errorf("%d bodies of %d records", len(s.byVersion), s.Usage().Records)
	}
	if find(s, "k1999", nil) == nil || find(s, "k0", nil) != nil {
		t.Error("the newest must stay and the oldest go")
	}
}

// TestLeaverLetsGo: one who leaves while the origin is being asked leaves nothing behind.
func TestLeaverLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &canned{size: 1 << 20, wait: make(chan struct{})} // larger than may be held
		s := open(t, src)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Fetch(ctx, &Request{Key: "k", Whole: true}, nil); !errors.Is(err,
				context.Canceled) {
				t.Errorf("Fetch: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		close(src.wait)
		synctest.Wait()
		if u, rec := s.Usage(), find(s, "k", nil); u.LiveFills != 0 || rec == nil || !rec.Pass {
			t.Errorf("a body that nobody wants and that can't be kept is still read: %+v", u)
		}
	})
}

// unanswered is a Source whose origin gives no answer.
type unanswered struct{ canned }

var errUnanswered = &Failure{Status: 502, Kind: "x", Err: errors.New("no answer")}

func (*unanswered) Fetch(context.Context, *Request, *Record) (*OriginResponse, error) {
	return nil, errUnanswered
}

// TestFailureComesThrough: a caller of Fetch gets the Source's own verdict.
func TestFailureComesThrough(t *testing.T) {
	s := open(t, &unanswered{})
	if _, err := s.Fetch(t.Context(), &Request{Key: "k"}, nil); err != error(errUnanswered) {
		t.Errorf("%v", err)
	}
}
