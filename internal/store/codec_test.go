package store

import (
	"net/http"
	"testing"
	"time"
)

// TestWhatAPeerSendsIsChecked: what net/http wouldn't let in, or would choke on, isn't taken from a
// peer either.
func TestWhatAPeerSendsIsChecked(t *testing.T) {
	now := time.Now()
	for name, spoil := range map[string]func(*Record){
		"status 99":                 func(r *Record) { r.Status = 99 },
		"status 103":                func(r *Record) { r.Status = 103 },
		"status 1000":               func(r *Record) { r.Status = 1000 },
		"length -2":                 func(r *Record) { r.Length = -2 },
		"endless":                   func(r *Record) { r.Length = 1 << 62 },
		"lower-case field":          func(r *Record) { r.SetFields(http.Header{"content-length": {"1"}}) },
		"line in a name":            func(r *Record) { r.SetFields(http.Header{"A\r\nB": {"1"}}) },
		"line in a value":           func(r *Record) { r.SetFields(http.Header{"A": {"1\r\nB: 2"}}) },
		"NUL in a value":            func(r *Record) { r.SetSelecting(http.Header{"A": {"\x00"}}) },
		"part of nothing":           func(r *Record) { r.Part = Part{0, 6, 10} },
		"part beyond":               func(r *Record) { r.Length, r.Part = 5, Part{8, 13, 10} },
		"part before":               func(r *Record) { r.Length, r.Part = 5, Part{-1, 4, 10} },
		"line in a trailer":         func(r *Record) { r.Trailer = http.Header{"A": {"1\r\n\r\n"}} },
		"content of another length": func(r *Record) { r.Length = 4 },
		"field without name":        func(r *Record) { r.SetFields(http.Header{"": {"1"}}) },
	} {
		rec := sampleRecord(now)
		spoil(rec)
		if _, err := Decode(rec.Encode(now), now); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	rec := sampleRecord(now)
	rec.Expired = At(now.Add(-time.Minute))
	if got, err := Decode(rec.Encode(now), now.Add(time.Hour)); err != nil ||
		got.Expired != At(now.Add(time.Hour-time.Minute)) {
		t.Errorf("what expired a minute ago has expired at %v, %v", got.Expired.Time(), err)
	}
	s := open(t, &canned{})
	rec = sampleRecord(now)
	if rec.URL = "../another"; s.fits(rec, "asked") {
		t.Error("a record for what wasn't asked for: taken")
	}
}
