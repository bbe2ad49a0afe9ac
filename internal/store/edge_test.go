package store

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// scripted is a Source of functions.
type scripted struct {
	fetch  func(ctx context.Context, req *Request) *OriginResponse
	open   func(off, end int64) fill.Body
	length int64 // that open tells
}

func (s *scripted) Failed(err error) *Failure { return &Failure{Status: 502, Kind: "x", Err: err} }

func (s *scripted) Fetch(ctx context.Context, req *Request, _ *Record) (*OriginResponse, error) {
	return s.fetch(ctx, req), nil
}

func (s *scripted) Open(_ context.Context, _ Fields, _ *Record, off, end int64) (OriginBody,
	error) {
	return OriginBody{Body: s.open(off, end), Length: s.length}, nil
}

func text(s string) fill.Body { return io.NopCloser(strings.NewReader(s)) }

// answer is a storable 200 of length bytes (-1: of an unknown number) with this body.
func answer(length int64, body fill.Body) *OriginResponse {
	rec := NewRecord()
	rec.Status, rec.Length, rec.ResponseTime = 200, length, At(time.Now())
	return &OriginResponse{Record: rec, Storable: true, Body: body}
}

func fetch(t *testing.T, s *Store, key string) *Record {
	t.Helper()
	// so that its fill goes on
	res, err := s.Fetch(t.Context(), &Request{Key: key, Whole: true, Background: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Close()
	return res.Record
}

// TestLengthIsLearntLate: a reader that found a record while its body was being read reads it to
// its end although the fill has ended meanwhile.
func TestLengthIsLearntLate(t *testing.T) {
	for _, size := range []int64{0, 1, 1 << 10, 5000, 20000} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, &scripted{fetch: func(context.Context,
				*Request) *OriginResponse {
				return answer(-1, text(content(0, size)))
			}})
			rec := fetch(t, s, "k")
			synctest.Wait()
			if rec.Length >= 0 || s.Usage().LiveFills != 0 {
				t.Fatal("the record must be from before the end, and the fill have ended")
			}
			var r Reader
			s.Reader(&r, &Fields{}, rec, 0, -1)
			if got := readAll(t, &r); got != content(0, size) {
				t.Errorf("%d of %d bytes", len(got), size)
			}
			if find(s, "k", nil) == nil {
				t.Error("the record has been thrown away")
			}
			s.Close()
		})
	}
}

// TestEndOfAPartIsNotTheEnd: a reader who doesn't know the length can't be served by the fill of a
// part.
func TestEndOfAPartIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 60 << 10
		src := &scripted{length: size}
		src.fetch = func(context.Context, *Request) *OriginResponse {
			f := answer(-1, text(content(0, size)))
			f.Record.Rangeable, f.Record.Resumable = true, true
			return f
		}
		src.open = func(off, end int64) fill.Body { return text(content(off, end)) }
		s := open(t, src)
		old := fetch(t, s, "k")
		synctest.Wait()
		now := find(s, "k", nil)
		evict(t, s)
		// so that a fill of the first chunk ends before it
		s.push(now, 1<<10, []byte(content(1<<10, 2<<10)), false)
		var part, whole Reader
		s.Reader(&part, &Fields{}, now, 0, 100)
		if err := part.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer part.Close()
		s.Reader(&whole, &Fields{}, old, 0, -1)
		if got := readAll(t, &whole); got != content(0, size) {
			t.Errorf("%d of %d bytes", len(got), size)
		}
		part.Close()
		s.Close()
	})
}

// evict empties the chunks group.
func evict(t *testing.T, s *Store) {
	t.Helper()
	for i := range s.cfg.Memory / s.cfg.Geometry.Max {
		rec := &Record{Key: "filler", Details: plain, Version: fmt.Sprint(i),
			Length: s.cfg.Geometry.First}
		s.push(rec, 0, make([]byte, s.cfg.Geometry.Max), true)
		s.bodies.mu.Lock()
		delete(s.byVersion, rec.Version)
		s.bodies.mu.Unlock()
	}
}

// TestBodyOfJustTheQuota: what may be held is held, whether or not it ends where a chunk does.
func TestBodyOfJustTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const quota = 1 << 20 / holdShare
		for _, size := range []int64{quota - 1, quota - 5000, quota} {
			s := open(t, &scripted{fetch: func(context.Context,
				*Request) *OriginResponse {
				return answer(size, text(content(0, size)))
			}})
			s.cfg.Memory -= 12345 * holdShare // so that it isn't a multiple of the chunks
			rec := fetch(t, s, "k")
			synctest.Wait()
			if kept := find(s, "k", nil); kept == nil || kept.Pass != s.Streams(rec) {
				t.Errorf("%d bytes: kept is %+v, streamed is %v", size, kept, s.Streams(rec))
			}
			s.Close()
		}
	})
}

// TestPanicsOfTheSource leave the store as it was.
func TestPanicsOfTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := true
		src := &scripted{}
		var contexts []context.Context
		src.fetch = func(ctx context.Context, req *Request) *OriginResponse {
			if contexts = append(contexts, ctx); bad && req.Key == "fetch" {
				panic("bug in Fetch")
			}
			return answer(4, text("nuts"))
		}
		s := open(t, src)
		s.cfg.Keys = &plainKeys{observe: func() {
			if bad {
				panic("bug in Observe")
			}
		}}
		for _, key := range []string{"fetch", "observe"} {
			if _, err := s.Fetch(t.Context(), &Request{Key: key}, nil); err == nil ||
				!strings.Contains(err.Error(), "bug in") {
				t.Errorf("%s: %v", key, err)
			}
		}
		for _, ctx := range contexts {
			if ctx.Err() == nil {
				t.Error("the context of a question that panicked lives on")
			}
		}
		bad = false
		for _, key := range []string{"fetch", "observe"} {
			var r Reader
			s.Reader(&r, &Fields{}, fetch(t, s, key), 0, -1)
			if got := readAll(t, &r); got != "nuts" {
				t.Errorf("%s, later: %q", key, got)
			}
		}
		s.Close()
	})
}

// TestPinnedBodiesShareAnAccount: however many bodies that can't be asked for again are being read
// at once, they don't hold more than their share and a chunk each.
func TestPinnedBodiesShareAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, many = 500 << 10, 32
		read := make([]*strings.Reader, 0, many)
		s := open(t, &scripted{fetch: func(context.Context, *Request) *OriginResponse {
			r := strings.NewReader(content(0, size))
			read = append(read, r)
			return answer(-1, io.NopCloser(r))
		}})
		var answers []*Result
		for i := range many {
			res, err := s.Fetch(t.Context(), &Request{Key: fmt.Sprint("k", i), Whole: true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, res) // whose followers take nothing
		}
		synctest.Wait()
		var held int64
		for _, r := range read {
			held += r.Size() - int64(r.Len())
		}
		if most := s.cfg.Memory/pinShare + many*s.cfg.Geometry.Max; held > most {
			t.Errorf("%d bytes are held, at most %d may be", held, most)
		}
		for i, res := range answers {
			var r Reader
			s.ReaderFrom(&r, &Fields{}, res, 0, -1)
			if got := readAll(t, &r); got != content(0, size) {
				t.Errorf("body %d: %d bytes", i, len(got))
			}
			res.Close()
		}
		synctest.Wait()
		if n := s.rooms.pinned.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are still accounted for", n)
		}
		s.Close()
	})
}

// TestReaderElsewhereLetsGoOfTheStart: one who reads from the middle doesn't hold up a body at its
// beginning.
func TestReaderElsewhereLetsGoOfTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 700 << 10 // more than may be held
		s := open(t, &scripted{fetch: func(context.Context,
			*Request) *OriginResponse {
			return answer(-1, text(content(0, size)))
		}})
		res, err := s.Fetch(t.Context(), &Request{Key: "k"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var r Reader
		s.ReaderFrom(&r, &Fields{}, res, size-10, size)
		if got := readAll(t, &r); got != content(size-10, size) {
			t.Errorf("%q", got)
		}
		res.Close()
		s.Close()
	})
}

// TestChunksOutliveTheirRecord: bytes that are still here when their record was evicted aren't read
// again.
func TestChunksOutliveTheirRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3*(64<<10) + 5
		var asked int64
		var body *strings.Reader
		src := &scripted{length: size}
		src.fetch = func(context.Context, *Request) *OriginResponse {
			body = strings.NewReader(content(0, size))
			f := answer(size, io.NopCloser(body))
			f.Record.Rangeable, f.Validator = true, "1"
			return f
		}
		src.open = func(off, end int64) fill.Body {
			if end < 0 { // the first body had come to the border of a slab before it was followed
				end = size
			}
			asked += end - off
			return text(content(off, end))
		}
		s := open(t, src)
		var r Reader
		for range 2 {
			s.Reader(&r, &Fields{}, fetch(t, s, "k"), 0, -1)
			if got := readAll(t, &r); got != content(0, size) {
				t.Errorf("%d bytes", len(got))
			}
			synctest.Wait()
			asked += body.Size() - int64(body.Len())
			s.mu.Lock()
			s.removeLocked("k")
			s.mu.Unlock()
		}
		if asked != size {
			t.Errorf("%d bytes were asked for, of a body of %d", asked, size)
		}
		s.Close()
	})
}

// TestPassLeavesOtherVariantsAlone: an answer to one request that can't be stored says nothing of
// those stored for others.
func TestPassLeavesOtherVariantsAlone(t *testing.T) {
	src := &scripted{}
	src.fetch = func(_ context.Context, req *Request) *OriginResponse {
		f := answer(4, text("nuts"))
		lang := req.Header.Get("Accept-Language")
		if f.Storable = lang != "bad"; f.Storable {
			f.Record.Vary = []string{"Accept-Language"}
			f.Record.Variant = httpcache.Selecting(f.Record.Vary, req.Header)
		}
		return f
	}
	s := open(t, src)
	in := func(lang string) http.Header { return http.Header{"Accept-Language": {lang}} }
	for _, lang := range []string{"de", "en", "bad"} {
		res, err := s.Fetch(t.Context(), &Request{Key: "k", Fields: Fields{Header: in(lang)},
			Whole: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Close()
	}
	for lang, pass := range map[string]bool{"de": false, "en": false, "bad": true, "fr": true} {
		if rec := find(s, "k", in(lang)); rec == nil || rec.Pass != pass {
			t.Errorf("%s: %+v", lang, rec)
		}
	}
}

// TestFillBeginsWhileGapsAreLookedFor: a reader that has a view of its first chunk, and finds a
// fill to follow while it looks whether the others are there, reads each byte once.
func TestFillBeginsWhileGapsAreLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 20000
		more := make(chan struct{})
		first := true
		s := open(t, &scripted{fetch: func(context.Context, *Request) *OriginResponse {
			f := answer(size, text(content(0, size)))
			if !first {
				f.Body = io.NopCloser(io.MultiReader(strings.NewReader(content(0, 3000)),
					&waiting{more}, strings.NewReader(content(3000, size))))
			}
			// one version each time, of a body that can't be asked for in parts
			first, f.Validator = false, "1"
			return f
		}})
		rec := fetch(t, s, "k")
		synctest.Wait()
		evict(t, s)
		s.push(rec, 0, []byte(content(0, 1<<10)), false)
		var r Reader
		s.Reader(&r, &Fields{}, rec, 0, -1)
		if !r.viewChunk() {
			t.Fatal("the first chunk must be held")
		}
		// between Ready's two looks
		res, err := s.Fetch(t.Context(), &Request{Key: "k", Whole: true}, rec)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Close()
		if res.Record.Version != rec.Version {
			t.Fatal("the version must be the same")
		}
		if err := r.whole(); err != nil {
			t.Fatal(err)
		}
		close(more)
		if got := readAll(t, &r); got != content(0, size) {
			t.Errorf("%d bytes of %d, wrong ones or some of them twice", len(got), size)
		}
		res.Close()
		s.Close()
	})
}

// waiting is an empty reader that ends when the test lets it.
type waiting struct{ until <-chan struct{} }

func (w *waiting) Read([]byte) (int, error) {
	<-w.until
	return 0, io.EOF
}
