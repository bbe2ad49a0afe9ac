package store

import (
	"net/http"
	"slices"
	"testing"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// storing returns a store that has installed a record for each request, whose Vary is what names
// says.
func storing(t *testing.T, requests []http.Header, vary [][]string) *Store {
	s := open(t, &canned{})
	for i, request := range requests {
		rec := &Record{Key: "k", Version: string(rune('a' + i)), Status: 200,
			Details: &Details{Vary: vary[i]}}
		if len(rec.Vary) > 0 {
			rec.Variant = httpcache.Selecting(rec.Vary, request)
		}
		rec.setImprint(imprintOf(request))
		s.mu.Lock()
		s.installLocked(rec)
		s.mu.Unlock()
	}
	return s
}

// TestVariantsAreTheUnionOfVary: each request finds the record that answered one with the same
// values in all fields that any record names.
func TestVariantsAreTheUnionOfVary(t *testing.T) {
	requests := []http.Header{
		{"Origin": {"a"}}, {}, {"Origin": {"b"}}, {"Accept": {"x"}}, {"Accept": {"x"},
			"Origin": {"a"}},
	}
	s := storing(t, requests, [][]string{{"Origin"}, nil, nil, {"Accept"}, nil})
	for i, request := range requests {
		if rec := find(s, "k", request); rec == nil || rec.Version != string(rune('a'+i)) {
			t.Errorf("%v: %+v", request, rec)
		}
	}
	for _, request := range []http.Header{{"Origin": {"c"}}, {"Accept": {"x"}, "Origin": {"b"}},
		{"Origin": {""}}} {
		if rec := find(s, "k", request); rec != nil {
			t.Errorf("%v: %+v", request, rec)
		}
	}
}

// TestNodesAreToldTheUnion: what another node is given is for requests like the one it asked for,
// by all that its owner knows; that node doesn't know the other variants, nor the request that
// brought this one.
func TestNodesAreToldTheUnion(t *testing.T) {
	a, none := http.Header{"Origin": {"a"}}, http.Header{}
	owner := storing(t, []http.Header{a, none}, [][]string{{"Origin"}, nil})
	other := storing(t, []http.Header{{"Accept": {"x"}}}, [][]string{{"Accept"}})
	told := owner.offeredTo(find(owner, "k", none), &Request{Key: "k",
		Fields: Fields{Header: none}})
	copied, err := Decode(told.Encode(owner.cfg.Now()), owner.cfg.Now())
	if err != nil {
		t.Fatal(err)
	}
	other.lend(&flight{req: Request{Key: "k", Fields: Fields{Header: none}}}, copied)
	other.mu.Lock()
	other.installLocked(copied)
	other.mu.Unlock()
	if rec := find(other, "k", none); rec != copied {
		t.Errorf("without Origin: %+v", rec)
	}
	for _, request := range []http.Header{a, {"Accept": {"y"}}} {
		if rec := find(other, "k", request); rec != nil {
			t.Errorf("%v: %+v", request, rec)
		}
	}
	if told := owner.offeredTo(find(owner, "k", a), &Request{Key: "k",
		Fields: Fields{Header: a}}); !slices.Equal(told.Vary, []string{"Origin"}) {
		t.Errorf("Vary %v", told.Vary)
	}
}

// TestWithdrawnIsOneVariant: of variants that share their bytes one can go without the others.
func TestWithdrawnIsOneVariant(t *testing.T) {
	requests := []http.Header{{"Accept": {"x"}}, {"Accept": {"y"}}}
	s := storing(t, requests, [][]string{{"Accept"}, {"Accept"}})
	s.mu.Lock()
	first := find1(s, requests[0])
	second := find1(s, requests[1]).with(func(r *Record) {
		r.Version, r.Revision = first.Version,
			2
	})
	s.insertLocked(second, find1(s, requests[1]), func() {})
	s.bodyLocked(first.Version)
	s.withdrawLocked(first)
	body := s.byVersion[first.Version]
	s.mu.Unlock()
	if find(s, "k", requests[0]) != nil || find(s, "k", requests[1]) != second || body == nil {
		t.Error("not just the one has gone")
	}
	s.mu.Lock()
	s.withdrawLocked(second)
	body = s.byVersion[first.Version]
	s.mu.Unlock()
	if find(s, "k", requests[1]) != nil || body != nil {
		t.Error("the last one has left something")
	}
}

// find1 is Find with the lock held.
func find1(s *Store, request http.Header) *Record {
	rec, _ := s.findLocked("k", request, false)
	return rec
}

// TestImprintLeavesOutTraces: the fields of W3C Trace Context, which differ in each request, are no
// part of what a record remembers of its request.
func TestImprintLeavesOutTraces(t *testing.T) {
	h := http.Header{"Accept": {"x"}}
	without := imprintOf(h)
	h.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	h.Set("Tracestate", "a=b")
	if imprintOf(h) != without {
		t.Error("a record remembers the trace of its request")
	}
	h.Set("Baggage", "a=b") // a field like any other, which Vary may name
	if imprintOf(h) == without {
		t.Error("a record doesn't remember all of its request")
	}
}
