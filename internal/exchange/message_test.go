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

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
)

// open makes an Exchange that talks to nobody.
func open(t testing.TB) *Exchange {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := zerolog.Nop()
	x := New(peer.NodeConfig{Listener: l, Heartbeat: time.Second, MissedHeartbeats: 4, Lease: time.Second, Log: &log}, time.Now)
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

// TestMessagesSurviveTheWire: what nodes ask each other for arrives as it was sent.
func TestMessagesSurviveTheWire(t *testing.T) {
	x, now := open(t), time.Now()
	q := &store.LookupRequest{
		Request: store.Request{
			Key: "a%20b?c=d", Fields: store.Fields{Header: http.Header{"Accept": {"*/*", "x"}}, Proto: "HTTP/2.0", Cause: store.Cause{ID: "id", Asked: new(atomic.Bool)}},
			Whole: true, Gone: "v0", Stored: true, Ranged: true, Background: true, Head: true, Target: "a%20b",
		},
		Version: "v1", Revision: 1 << 63, Position: nowhere,
	}
	b := encodeLookup(q)
	if got := decodeLookup(&codec.Decoder{B: b[1:]}); b[0] != reqLookup || !reflect.DeepEqual(got, q) {
		t.Errorf("%+v, want %+v", got, q)
	}
	read := &store.ReadRequest{
		Key: "k", Record: sampleRecord(now), By: store.Fields{Header: http.Header{"A": {"b"}}, Proto: "HTTP/1.1", Cause: store.Cause{ID: "x", Asked: new(atomic.Bool)}},
		Off: 1 << 40, End: -1, Whole: true, Position: nowhere,
	}
	b = x.encodeRead(reqTakeOver, read, 1<<63)
	got, call, err := x.decodeRead(&codec.Decoder{B: b[1:]})
	if err != nil || b[0] != reqTakeOver || call != 1<<63 || got.Record.Version != "v" {
		t.Fatalf("%+v, %d, %v", got, call, err)
	}
	if got.Record = read.Record; !reflect.DeepEqual(got, read) {
		t.Errorf("%+v, want %+v", got, read)
	}
	found := &lookupReply{LookupResult: store.LookupResult{Record: sampleRecord(now), Found: true, Status: 304, Why: store.OtherVariants}, content: true}
	back, err := decodeFound(found.encode(now)[1:], now)
	if err != nil || back.Record.Version != "v" || !back.Found || !back.content || back.Collapsed || back.Renewed || back.Stored || back.Status != 304 || back.Why != store.OtherVariants {
		t.Errorf("%+v, %v", back, err)
	}
}

// TestErrorsSurviveTheWire: a verdict is one on the other side, too, and nothing else is.
func TestErrorsSurviveTheWire(t *testing.T) {
	x := open(t)
	pass := func(err error) error {
		b := x.encodeError(err)
		return x.decodeError(b[0], &codec.Decoder{B: b[1:]})
	}
	stored := sampleRecord(time.Now())
	for _, err := range []error{&store.Failure{Status: 504, Kind: "connection_timeout", Err: errors.New("too slow"), Why: store.Outdated, Stored: stored}, fill.ErrGone, store.ErrNone} {
		got := pass(err)
		if !store.IsVerdict(got) || got.Error() != err.Error() {
			t.Errorf("%v has become %v", err, got)
		}
		if f, ok := errors.AsType[*store.Failure](got); ok && (f.Status != 504 || f.Kind != "connection_timeout" || f.Why != store.Outdated || f.Stored.Version != stored.Version) {
			t.Errorf("%+v", f)
		}
	}
	for _, err := range []error{store.ErrRefused, fill.ErrGone, store.ErrNotCached} {
		cause, mine := store.Cause{Asked: new(atomic.Bool)}, store.Cause{Asked: new(atomic.Bool)}
		if learn(mine, pass(after(cause, err))) != err || mine.Noted() {
			t.Errorf("%v came of asking the origin", err)
		}
		cause.Note()
		if learn(mine, pass(after(cause, err))) != err || !mine.Noted() {
			t.Errorf("%v didn't come of asking the origin", err)
		}
	}
	if got := pass(errors.New("something of ours")); store.IsVerdict(got) || !errors.Is(got, store.ErrBusy) {
		t.Errorf("an error of ours has become %v", got)
	}
	if got := pass(store.ErrNotOwner); !errors.Is(got, store.ErrNotOwner) || !reflect.DeepEqual(got.(*notOwner).ring, x.node.Ring()) {
		t.Errorf("another ring has become %v", got)
	}
}

// TestFailuresOfPeersAreChecked: what mustn't go on to a client isn't taken from a peer.
func TestFailuresOfPeersAreChecked(t *testing.T) {
	x := open(t)
	for _, f := range []store.Failure{{Status: 200, Kind: "x"}, {Status: 99, Kind: "x"}, {Status: 502, Kind: "x\r\nSet-Cookie: a=b"}, {Status: 502, Kind: "x; y"}} {
		f.Err = errors.New("e")
		b := x.encodeError(&f)
		if err := x.decodeError(b[0], &codec.Decoder{B: b[1:]}); store.IsVerdict(err) {
			t.Errorf("%+v: taken", f)
		}
	}
}

// FuzzMessages: no bytes make a decoder panic, or take more memory than they are worth.
func FuzzMessages(f *testing.F) {
	x, now := open(f), time.Now()
	f.Add(encodeLookup(&store.LookupRequest{Request: store.Request{Key: "k", Fields: store.Fields{Header: http.Header{"A": {"b"}}}}}))
	f.Add(x.encodeRead(reqRead, &store.ReadRequest{Key: "k", Record: sampleRecord(now)}, 1))
	f.Add((&lookupReply{LookupResult: store.LookupResult{Record: sampleRecord(now)}}).encode(now))
	f.Fuzz(func(t *testing.T, b []byte) {
		q := decodeLookup(&codec.Decoder{B: b})
		read, _, err := x.decodeRead(&codec.Decoder{B: b})
		_, _ = decodeFound(b, now)
		if len(q.Key) > len(b) || err == nil && len(read.Key) > len(b) {
			t.Error("more came out than went in")
		}
	})
}
