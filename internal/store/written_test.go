package store

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/scurrycache/scurry/internal/chunk"
)

// rewritten is an origin whose content changes under one ETag.
type rewritten struct {
	status int
	body   string
}

var oldContent, newContent = strings.Repeat("old!", 1000), strings.Repeat("new!", 1000)

// open makes a store with those keys before r.
func (r *rewritten) open(t *testing.T, keys KeySpace) *Store {
	t.Helper()
	src := &scripted{fetch: func(context.Context, *Request) *OriginResponse {
		f := answer(int64(len(r.body)), text(r.body))
		f.Record.SetFields(http.Header{"Etag": {`"1"`}})
		f.Record.Status, f.Record.Rangeable, f.Validator = r.status, true, `"1"`
		return f
	}}
	s, err := New(Config{Memory: 1 << 20, Geometry: chunk.Geometry{First: 1 << 10, Max: 8 << 10,
		Slab: 64 << 10}, Source: src, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fetched is what a request for key gets of the origin.
func fetched(t *testing.T, s *Store, key string) string {
	t.Helper()
	res, err := s.Fetch(t.Context(), &Request{Key: key, Whole: true}, find(s, key, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var r Reader
	s.ReaderFrom(&r, &Fields{}, res, 0, -1)
	defer r.Close()
	got := readAll(t, &r)
	synctest.Wait()
	return got
}

// TestWritingUnderOneETag: whatever is written and fetched in between, bytes from before a write
// don't come back, though the origin names them as it names the new ones.
func TestWritingUnderOneETag(t *testing.T) {
	write := func(s *Store) { s.Invalidate([]string{"k"}, nil, nil, Moment{}) }
	for _, tt := range []struct {
		name    string
		keys    KeySpace
		deleted bool   // and found to be, before it is made again
		asked   string // for, afterwards
	}{
		{"fetched again", &plainKeys{}, false, "k"},
		{"deleted and made again", &plainKeys{}, true, "k"},
		{"asked for by another query", &queryless{}, false, "k?x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &rewritten{200, oldContent}
				s := o.open(t, tt.keys)
				defer s.Close()
				fetched(t, s, "k")
				write(s)
				if tt.deleted {
					o.status, o.body = 404, "gone"
					fetched(t, s, "k")
					write(s)
				}
				o.status, o.body = 200, newContent
				for i := range 3 {
					if got := fetched(t, s, tt.asked); got != newContent {
						t.Errorf("request %d gets %.8q", i, got)
					}
				}
			})
		})
	}
}

// queryless are keys of resources whose queries mean nothing.
type queryless struct{ plainKeys }

func pathOf(key string) string {
	path, _, _ := strings.Cut(key, "?")
	return path
}

func (*queryless) CanonicalKey(key string) string              { return pathOf(key) }
func (*queryless) KeyOf(resource string, _ http.Header) string { return pathOf(resource) }
func (*queryless) Answers(_ Response, url, asked string) bool  { return pathOf(url) == pathOf(asked) }
func (*queryless) Concerns(_ Response, url, other string) bool { return pathOf(url) == pathOf(other) }

// place puts a record into s.
func place(s *Store, key string, groups ...string) {
	rec := NewRecord()
	rec.Key, rec.Version, rec.Status, rec.Groups = key, "v"+key, 200, groups
	rec.ringEpoch = s.RingEpoch()
	rec.SetFields(http.Header{"Etag": {`"a"`}, "Cache-Control": {"max-age=60"}})
	rec.SetTimes(s.cfg.Now(), s.cfg.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.basis = s.log.Now().Token
	s.installLocked(rec)
}

// TestRenewingValidatesNothing: what has to be validated still has to be when it has been renewed
// by a response that may be from before, and says that it is in other groups.
func TestRenewingValidatesNothing(t *testing.T) {
	s := openWith(t, &canned{}, 1<<20)
	defer s.Close()
	place(s, "k", "g")
	s.Invalidate([]string{"other"}, []string{"g"}, nil, Moment{})
	rec, _ := s.Find("k", http.Header{}, false)
	fresh := rec.Clone()
	fresh.Groups = []string{"h"}
	s.Renew(rec, fresh)
	if rec, must := s.Find("k", http.Header{}, false); rec != nil && !must {
		t.Error("it is used")
	}
}

// turning is a Remote whose ring changes.
type turning struct {
	Remote
	epoch atomic.Uint64
}

func (r *turning) RingEpoch() uint64              { return r.epoch.Load() }
func (r *turning) OwnedSince(string, uint64) bool { return true }
func (r *turning) Owner(string) (string, bool)    { return "a", true }
func (r *turning) NoticeStandstill()              {}

// TestKeyInABuffer: a lookup keeps nothing of its key, which may be a view of a buffer that is used
// again, also where the ring has changed and entries are looked through.
func TestKeyInABuffer(t *testing.T) {
	r := &turning{}
	s, err := New(Config{
		Memory: 1 << 20, Geometry: chunk.Geometry{First: 1 << 10, Max: 8 << 10, Slab: 64 << 10},
		Keys: &plainKeys{}, Remote: r, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, key := range []string{"name1", "name2"} {
		place(s, key, "g")
		for range 3 {
			r.epoch.Add(1)
			buf := []byte(key)
			s.Find(unsafe.String(&buf[0], len(buf)), http.Header{}, false)
			copy(buf, "GET /")
		}
		if rec, _ := s.Find(key, http.Header{}, false); rec == nil || rec.Key != key {
			t.Errorf("%s has become %+v", key, rec)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for members := range s.grouped {
		for key := range s.grouped[members] {
			if !strings.HasPrefix(key, "name") {
				t.Errorf("a member of a group is %q", key)
			}
		}
	}
}
