package store

import (
	"errors"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// TestMessagesSurviveTheWire: what nodes ask and answer arrives as it was sent.
func TestMessagesSurviveTheWire(t *testing.T) {
	now := time.Now()
	lookup := &lookupRequest{
		Request: Request{Key: "a%20b?c=d", Header: http.Header{"Accept": {"*/*", "x"}}, Proto: "HTTP/2.0", Cause: Cause{ID: "id", Asked: new(atomic.Bool)}, Whole: true, Gone: "v0", Stored: true, Ranged: true, Background: true, Head: true, Target: "a%20b"},
		version: "v1", revision: 1 << 63,
	}
	b := lookup.encode()
	if got := decodeLookupRequest(&decoder{b: b[1:]}); b[0] != reqRecord || !reflect.DeepEqual(got, lookup) {
		t.Errorf("%+v, want %+v", got, lookup)
	}
	p := &readRequest{key: "k", rec: sampleRecord(now).encode(now), by: Fields{Header: http.Header{"A": {"b"}}, Proto: "HTTP/1.1", Cause: Cause{ID: "x", Asked: new(atomic.Bool)}}, off: 1 << 40, end: -1, whole: true, call: 1 << 63}
	b = p.encode(reqTakeOver)
	if got := decodeReadRequest(&decoder{b: b[1:]}); b[0] != reqTakeOver || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v, want %+v", got, p)
	}
	fr := &flightResult{rec: sampleRecord(now), found: true, content: true, status: 304, why: OtherVariants, peer: "127.0.0.1:1"}
	got, err := decodeFlightResult(fr.encode(now), now)
	if err != nil || got.rec.Version != "v" || !got.found || !got.content || got.collapsed || got.renewed || got.stored || got.status != 304 || got.why != OtherVariants || got.peer != fr.peer {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestErrorsSurviveTheWire: a verdict is one on the other side, too, and nothing else is.
func TestErrorsSurviveTheWire(t *testing.T) {
	s := open(t, &canned{})
	stored := sampleRecord(time.Now())
	for _, err := range []error{&Failure{Status: 504, Kind: "connection_timeout", Err: errors.New("too slow"), Why: Outdated, Stored: stored}, fill.ErrGone, errNone} {
		b := s.encodeError(err)
		got := s.decodeError(b[0], &decoder{b: b[1:]})
		if !verdict(got) || got.Error() != err.Error() {
			t.Errorf("%v has become %v", err, got)
		}
		if f, ok := errors.AsType[*Failure](got); ok && (f.Status != 504 || f.Kind != "connection_timeout" || f.Why != Outdated || f.Stored.Version != stored.Version) {
			t.Errorf("%+v", f)
		}
	}
	for _, err := range []error{ErrRefused, fill.ErrGone} {
		cause := Cause{Asked: new(atomic.Bool)}
		got := func() error {
			b := s.encodeError(cause.after(err))
			return s.decodeError(b[0], &decoder{b: b[1:]})
		}
		mine := Cause{Asked: new(atomic.Bool)}
		if mine.learn(got()) != err || mine.noted() {
			t.Errorf("%v came of asking the origin", err)
		}
		cause.Note()
		if mine.learn(got()) != err || !mine.noted() {
			t.Errorf("%v didn't come of asking the origin", err)
		}
	}
	b := s.encodeError(errors.New("something of ours"))
	if got := s.decodeError(b[0], &decoder{b: b[1:]}); verdict(got) || len(b) != 1 {
		t.Errorf("%q has become %v", b, got)
	}
}

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
		if _, err := decode(rec.encode(now), now); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	s := open(t, &canned{})
	rec := sampleRecord(now)
	if rec.URL = "../another"; s.fits(rec, "asked") {
		t.Error("a record for what wasn't asked for: taken")
	}
	for _, f := range []Failure{{Status: 200, Kind: "x"}, {Status: 99, Kind: "x"}, {Status: 502, Kind: "x\r\nSet-Cookie: a=b"}, {Status: 502, Kind: "x; y"}} {
		f.Err = errors.New("e")
		b := s.encodeError(&f)
		if err := s.decodeError(b[0], &decoder{b: b[1:]}); verdict(err) {
			t.Errorf("%+v: taken", f)
		}
	}
}

// FuzzMessages: no bytes make a decoder panic, or take more memory than they are worth.
func FuzzMessages(f *testing.F) {
	now := time.Now()
	f.Add((&lookupRequest{Request: Request{Key: "k", Header: http.Header{"A": {"b"}}}}).encode())
	f.Add((&readRequest{key: "k", rec: sampleRecord(now).encode(now)}).encode(reqRead))
	f.Add((&flightResult{rec: sampleRecord(now), peer: "p"}).encode(now))
	f.Fuzz(func(t *testing.T, b []byte) {
		lookup := decodeLookupRequest(&decoder{b: b})
		p := decodeReadRequest(&decoder{b: b})
		_, _ = decodeFlightResult(b, now)
		if len(lookup.Key) > len(b) || len(p.rec) > len(b) {
			t.Error("more came out than went in")
		}
	})
}
