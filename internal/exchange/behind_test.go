package exchange

import (
	"context"
	"errors"
	"net"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// plainKeys is a key space in which each resource has its own key.
type plainKeys struct{}

func (plainKeys) CanonicalKey(key string) string                      { return key }
func (plainKeys) Keys(resource string) []string                       { return []string{resource} }
func (plainKeys) KeyOf(resource string, _ http.Header) string         { return resource }
func (plainKeys) Answers(_ store.Response, url, asked string) bool    { return url == asked }
func (plainKeys) Concerns(_ store.Response, url, changed string) bool { return url == changed }
func (plainKeys) Observe(_ store.Response, key string, at time.Time)  {}
func (plainKeys) Check(key string) error                              { return nil }

var errDown = errors.New("no origin")

// down is a Source that gives nothing.
type down struct{}

func (down) Fetch(context.Context, *store.Request, *store.Record) (*store.OriginResponse, error) {
	return nil, errDown
}

func (down) Open(context.Context, store.Fields, *store.Record, int64, int64) (store.OriginBody, error) {
	return store.OriginBody{}, errDown
}

func (down) Failed(err error) *store.Failure {
	return &store.Failure{Status: 502, Kind: "connection_refused", Err: err}
}

var kindOfLogs = byte(slices.IndexFunc(incoming[:], func(make func() message) bool {
	_, ok := make().(*logs)
	return ok
}))

// node is one of two that are connected.
type node struct {
	*Exchange
	store *store.Store
	name  string
}

func pair(t *testing.T) (a, b node) {
	t.Helper()
	var nodes []node
	var names []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		log := zerolog.Nop()
		x := New(peer.NodeConfig{Listener: l, Wire: wire.Config{Heartbeat: time.Second, MissedHeartbeats: 10, MaxValue: 1 << 20}, Lease: time.Minute, Log: &log}, time.Now, nil)
		x.kinds[reflect.TypeOf(&logs{})] = kindOfLogs // also where it is read as another type
		s, err := store.New(store.Config{
			Memory: 1 << 20, Geometry: chunk.Geometry{First: 1 << 10, Max: 8 << 10, Slab: 64 << 10}, Source: down{},
			Keys: plainKeys{}, Remote: x, Lease: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		t.Cleanup(x.Close)
		x.Start(s)
		nodes, names = append(nodes, node{x, s, l.Addr().String()}), append(names, l.Addr().String())
	}
	for _, n := range nodes {
		n.Node.SetMembers(names)
	}
	for _, n := range nodes {
		for deadline := time.Now().Add(10 * time.Second); len(n.Node.Ring()) < 2; {
			if time.Now().After(deadline) {
				t.Fatal("the nodes don't find each other")
			}
			if err := n.Node.WaitForPeers(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return nodes[0], nodes[1]
}

// learns has n know of an invalidation that the other node hasn't been told.
func (n node) learns(t *testing.T) {
	t.Helper()
	log := invalidation.New(invalidation.Config{Incarnation: uint64(time.Now().UnixNano())})
	log.Publish(invalidation.Remove, invalidation.Key("other"))
	if err := n.store.Merge(log.Reply(n.store.Position())); err != nil {
		t.Fatal(err)
	}
}

// owned is a key that n owns.
func (n node) owned(t *testing.T) string {
	t.Helper()
	for key := "k"; ; key += "k" {
		q := &store.LookupRequest{Request: store.Request{Key: key, Stored: true}, Position: n.store.Position()}
		if _, _, err := n.server.Lookup(t.Context(), q); err != store.ErrNotOwner {
			return key
		}
	}
}

// TestNodesCatchUp: a node that is behind, or that turns out to be, learns what it has missed
// before it says what is stored, whichever of the two has asked.
func TestNodesCatchUp(t *testing.T) {
	a, b := pair(t)
	ctx, key := t.Context(), b.owned(t)
	lookup := func() (*store.LookupResult, error) {
		return a.Lookup(ctx, b.name, &store.LookupRequest{
			Request: store.Request{Key: key, Stored: true, Fields: store.Fields{Cause: newCause("")}}, Position: a.store.Position(),
		})
	}
	caughtUp := func(what string) {
		t.Helper()
		if a.store.Behind(b.store.Position()) || b.store.Behind(a.store.Position()) {
			t.Errorf("after %s one of them is behind", what)
		}
	}
	a.learns(t)
	if _, err := lookup(); err != store.ErrNone {
		t.Errorf("a node that was behind says %v", err)
	}
	caughtUp("a lookup at a node that is behind")

	rec := sampleRecord(time.Now())
	rec.Key, rec.Vary, rec.Variant, rec.Groups, rec.Rangeable = key, nil, "", nil, true
	if _, err := a.Ask(ctx, b.name, &store.PutRequest{Record: rec, Content: []byte("acorn"), Position: a.store.Position()}); err != nil {
		t.Fatal(err)
	}
	b.learns(t)
	if found, err := lookup(); err != nil || !found.Found || found.Record.Length != 5 {
		t.Errorf("found %+v, %v", found, err)
	}
	caughtUp("a lookup by a node that is behind")

	b.learns(t)
	if _, err := a.Ask(ctx, b.name, &store.FragmentRequest{Record: rec, Position: a.store.Position()}); err != store.ErrBehind {
		t.Errorf("bytes that may have been removed: %v", err)
	}
	caughtUp("a request for bytes")

	a.learns(t)
	log := invalidation.New(invalidation.Config{Incarnation: 77})
	log.Publish(invalidation.Remove, invalidation.Key("first"))
	second := log.Publish(invalidation.Remove, invalidation.Key("second")).Entries
	if err := a.store.Merge(log.Reply(a.store.Position())); err != nil {
		t.Fatal(err)
	}
	a.Notify(&store.InvalidateRequest{Entries: second, Keys: []string{"second"}}) // the other one has missed the first
	caughtUp("an invalidation that isn't the next")
}

// stubborn is a pull that is answered, once that is set, as if the one who asks had missed
// something.
type stubborn struct{ logs }

var isStubborn atomic.Bool

func (q *stubborn) serve(x *Exchange, c *wire.Call) (response, error) {
	if isStubborn.Load() {
		return response{}, store.ErrBehind
	}
	return q.logs.serve(x, c)
}

// TestSharingIsNotSharedFor: a node that answers the exchange of logs by "behind" isn't asked for
// its log without end.
func TestSharingIsNotSharedFor(t *testing.T) {
	honest := incoming[kindOfLogs]
	t.Cleanup(func() { incoming[kindOfLogs] = honest }) // when the nodes are closed
	incoming[kindOfLogs] = made[stubborn]
	a, b := pair(t)
	isStubborn.Store(true)
	defer isStubborn.Store(false)
	if err := a.share(b.name); err == nil {
		t.Error("the logs have been exchanged")
	}
}
