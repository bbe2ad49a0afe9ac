package exchange

import (
	"errors"
	"net"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
	"github.com/scurrycache/scurry/internal/wire"
)

// open makes an Exchange that talks to nobody.
func open(t testing.TB) *Exchange {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := zerolog.Nop()
	x := New(peer.NodeConfig{Listener: l, Wire: wire.Config{Heartbeat: time.Second, MissedHeartbeats: 4}, Lease: time.Second, Log: &log}, time.Now, nil)
	t.Cleanup(x.Close)
	return x
}

func sampleRecord(now time.Time) *store.Record {
	r := store.NewRecord()
	r.Vary, r.Variant, r.Groups = []string{"Accept", "X"}, "a\x00b", []string{"g", "h"}
	r.Version, r.Revision, r.Status, r.Length = "v", 1<<63, 200, 5
	r.SetTimes(now.Add(-2*time.Second), now.Add(-time.Second))
	r.SetFields(http.Header{"Etag": {`"1"`}})
	return r
}

func newCause(id string) store.Cause { return store.Cause{ID: id, Asked: new(atomic.Bool)} }

// samples has a message of each kind of request, and of those of replies that have fields.
func samples(now time.Time) map[string]message {
	log := invalidation.New(invalidation.Config{Incarnation: 7})
	entries := log.Publish(invalidation.Remove, invalidation.Key("a"), invalidation.Prefix("b/c")).Entries
	position := log.Now().Position
	fields := store.Fields{Header: http.Header{"A": {"b", ""}}, From: http.Header{"Forwarded": {"for=x"}}, Proto: "HTTP/1.1", Cause: newCause("x")}
	read := readRequest{store.ReadRequest{
		Key: "k", Record: sampleRecord(now), By: fields, Off: 1 << 40, End: -1, Whole: true, TakesOver: true, Position: position,
	}, 1 << 63}
	name := store.NewRecord()
	name.Key, name.Version = "k", "v"
	foreseen := name.Clone()
	foreseen.Fragments, foreseen.Length = true, 100
	put := sampleRecord(now)
	put.Key = "k"
	read.By.Span, _ = trace.Remote("a trace's id....a span's\x01c=d")
	return map[string]message{
		"lookup": (*lookupRequest)(&store.LookupRequest{
			Request: store.Request{
				Key: "a%20b?c=d", Fields: store.Fields{Header: http.Header{"Accept": {"*/*", "x"}}, Proto: "HTTP/2.0", Cause: newCause("id")},
				Whole: true, Gone: "v0", Stored: true, Ranged: true, Background: true, Head: true, Target: "a%20b",
			},
			Version: "v1", Revision: 1 << 63, Position: position,
		}),
		"read":         &read,
		"chunk":        &store.ChunkRequest{Key: "k.0.v.1", Position: position},
		"fragment":     &store.FragmentRequest{Record: name, Off: 1 << 40, Position: position},
		"foresee":      &store.ForeseeRequest{Record: foreseen, Parts: []chunk.Span{{Start: 0, End: 5}, {Start: 7, End: 100}}},
		"origin asked": &originAskedRequest{1 << 63},
		"put":          &store.PutRequest{Record: put, Content: []byte("nut\x00"), Position: position},
		"invalidate":   &store.InvalidateRequest{Entries: entries, Keys: []string{"a", "?"}},
		"varies":       &store.VariesRequest{Key: "k"},
		"logs":         &logs{position, log.Reply(invalidation.New(invalidation.Config{}).Now().Position)},
		"found": &lookupReply{
			LookupResult: store.LookupResult{Record: sampleRecord(now), Found: true, Status: 304, Why: store.OtherVariants},
			content:      true, position: position,
		},
		"part":    &partReply{-1, store.AskedForOthers},
		"interim": &interim{103, http.Header{"Link": {"<a>", "<b>"}}},
		"end":     &ending{http.Header{"Digest": {"x"}}, store.AskedForThis},
		"ring":    &notOwner{[]string{"a", "b"}},
	}
}

// empty makes a message of m's type.
func empty(m message) message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(message)
}

// records are those that m has, which aren't compared field by field: their times go by the clock.
func records(m message) []**store.Record {
	switch m := m.(type) {
	case *readRequest:
		return []**store.Record{&m.Record}
	case *store.PutRequest:
		return []**store.Record{&m.Record}
	case *lookupReply:
		return []**store.Record{&m.Record}
	}
	return nil
}

// TestMessagesSurviveTheWire: what nodes ask each other for arrives as it was sent, and whole.
func TestMessagesSurviveTheWire(t *testing.T) {
	now := time.Now()
	for name, sent := range samples(now) {
		w := codec.Coder{Now: now}
		sent.Code(&w)
		r, got := codec.Coder{B: w.B, Reads: true, Now: now}, empty(sent)
		if got.Code(&r); r.Bad || len(r.B) > 0 {
			t.Errorf("%s: bad %t, and %d bytes are left", name, r.Bad, len(r.B))
			continue
		}
		for i, rec := range records(got) {
			if (*rec).Version != "v" || (*rec).Head != sampleRecord(now).Head {
				t.Errorf("%s: the record has become %+v", name, *rec)
			}
			*rec = *records(sent)[i]
		}
		if !reflect.DeepEqual(got, sent) {
			t.Errorf("%s: %+v, want %+v", name, got, sent)
		}
		for n := range w.B {
			r := codec.Coder{B: w.B[:n], Reads: true, Now: now}
			if empty(sent).Code(&r); !r.Bad {
				t.Errorf("%s: %d bytes of %d are taken", name, n, len(w.B))
			}
		}
	}
}

// TestEachKindIsItsRequest: a request is read as what it was sent as.
func TestEachKindIsItsRequest(t *testing.T) {
	x := open(t)
	for kind, make := range incoming {
		if got := x.kinds[reflect.TypeOf(make())]; int(got) != kind {
			t.Errorf("a %T is sent as %d, and read as %d", make(), got, kind)
		}
	}
	if len(x.kinds) != len(incoming) {
		t.Errorf("%d kinds of %d types", len(incoming), len(x.kinds))
	}
}

// TestErrorsSurviveTheWire: a verdict is one on the other side, too, and nothing else is.
func TestErrorsSurviveTheWire(t *testing.T) {
	x := open(t)
	pass := func(theirs, ours store.Cause, err error) error {
		c, kind := x.reader(x.refusal(theirs, err)), respOK
		begin(c, ours, &kind)
		return result(c, kind, nil)
	}
	stored := sampleRecord(time.Now())
	for _, err := range []error{&store.Failure{Status: 504, Kind: "connection_timeout", Err: errors.New("too slow"), Why: store.Outdated, Stored: stored}, fill.ErrGone, store.ErrNone} {
		got := pass(store.Cause{}, store.Cause{}, err)
		if !store.IsVerdict(got) || got.Error() != err.Error() {
			t.Errorf("%v has become %v", err, got)
		}
		if f, ok := errors.AsType[*store.Failure](got); ok && (f.Status != 504 || f.Kind != "connection_timeout" || f.Why != store.Outdated || f.Stored.Version != stored.Version) {
			t.Errorf("%+v", f)
		}
	}
	for _, err := range []error{store.ErrRefused, fill.ErrGone, store.ErrNotCached, store.ErrBehind, store.ErrBusy} {
		theirs, ours := newCause(""), newCause("")
		if pass(theirs, ours, err) != err || ours.Noted() {
			t.Errorf("%v came of asking the origin", err)
		}
		theirs.Note()
		if pass(theirs, ours, err) != err || !ours.Noted() {
			t.Errorf("%v didn't come of asking the origin", err)
		}
	}
	if got := pass(store.Cause{}, store.Cause{}, errors.New("something of ours")); store.IsVerdict(got) || !errors.Is(got, store.ErrBusy) {
		t.Errorf("an error of ours has become %v", got)
	}
	if got := pass(store.Cause{}, store.Cause{}, store.ErrNotOwner); !errors.Is(got, store.ErrNotOwner) || !reflect.DeepEqual(got.(*notOwner).ring, x.Node.Ring()) {
		t.Errorf("another ring has become %v", got)
	}
}

// TestFailuresOfPeersAreChecked: what mustn't go on to a client isn't taken from a peer.
func TestFailuresOfPeersAreChecked(t *testing.T) {
	x := open(t)
	for _, f := range []store.Failure{{Status: 200, Kind: "x"}, {Status: 99, Kind: "x"}, {Status: 502, Kind: "x\r\nSet-Cookie: a=b"}, {Status: 502, Kind: "x; y"}} {
		f.Err = errors.New("e")
		c, kind := x.reader(x.refusal(store.Cause{}, &f)), respOK
		begin(c, store.Cause{}, &kind)
		if err := refused(c, kind); store.IsVerdict(err) {
			t.Errorf("%+v: taken", f)
		}
	}
}

// TestNoErrorIsNone: an answer that is broken off is an error, whatever comes with that.
func TestNoErrorIsNone(t *testing.T) {
	for kind := range 256 {
		for _, b := range [][]byte{nil, {0}, {0, 0, 0, 0, 0, 0}} {
			c := codec.Coder{B: b, Reads: true}
			if refused(&c, byte(kind)) == nil {
				t.Errorf("kind %d with %x is no error", kind, b)
			}
		}
	}
}

// FuzzMessages: no bytes make a decoder panic, or take more memory than they are worth.
func FuzzMessages(f *testing.F) {
	now := time.Now()
	for _, m := range samples(now) {
		c := codec.Coder{Now: now}
		m.Code(&c)
		f.Add(c.B)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range samples(now) {
			c, got := codec.Coder{B: b, Reads: true, Now: now}, empty(m)
			got.Code(&c)
			length := 0
			switch m := got.(type) {
			case *lookupRequest:
				length = len(m.Key)
			case *readRequest:
				length = len(m.Key)
			case *store.InvalidateRequest:
				length = len(m.Keys) + len(m.Entries)
			case *store.ForeseeRequest:
				length = len(m.Parts)
			}
			if length > len(b) {
				t.Errorf("%T: more came out than went in", m)
			}
		}
		for kind := range 8 {
			c := codec.Coder{B: b, Reads: true, Now: now}
			_ = refused(&c, byte(kind))
		}
	})
}
