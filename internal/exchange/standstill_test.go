package exchange

import (
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/store"
)

// stoodStill is n as if it had stood still for so long.
func (n node) stoodStill(long time.Duration) {
	now := time.Now()
	n.last.Store(&tick{now, now.Add(-long).UnixNano()})
}

// holds has n hold a response under key, by way of its peer from.
func (n node) holds(t *testing.T, from node, key string) {
	t.Helper()
	rec := sampleRecord(time.Now())
	rec.Key, rec.Vary, rec.Variant, rec.Groups, rec.Rangeable = key, nil, "", nil, true
	m := &store.PutRequest{Record: rec, Content: []byte("acorn"), Position: n.store.Position()}
	if _, err := from.Ask(t.Context(), n.name, m); err != nil {
		t.Fatal(err)
	}
}

// serves reports whether n would answer from memory.
func (n node) serves(key string) bool {
	rec, mustRevalidate := n.store.Find(key, nil, false)
	return rec != nil && !mustRevalidate
}

// eventually waits for what comes to be so in its own time.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}

// TestStandstillIsCaughtUp: a node that has stood still serves nothing before it has exchanged logs
// with those that may have tried to tell it of something. Then it serves what they know nothing of,
// without asking the origin.
func TestStandstillIsCaughtUp(t *testing.T) {
	honest := incoming[kindOfLogs]
	t.Cleanup(func() { incoming[kindOfLogs] = honest }) // when the nodes are closed
	incoming[kindOfLogs] = made[stubborn]
	a, b := pair(t)
	key := a.owned(t)
	a.holds(t, b, key)
	if !a.serves(key) {
		t.Fatal("it isn't stored")
	}
	b.learns(t) // it has told a of nothing

	isStubborn.Store(true)
	a.stoodStill(a.limit + time.Second)
	if a.serves(key) {
		t.Error("served before logs have been exchanged")
	}
	a.stoodStill(a.limit + time.Second)
	if a.serves(key) {
		t.Error("served after one more standstill")
	}
	isStubborn.Store(false)
	eventually(t, "validated although no entry is about it", func() bool { return a.serves(key) })
	if a.store.Behind(b.store.Position()) {
		t.Error("served without what the other one knows")
	}
}

// TestStandstillThatStays: after longer than a lease, and if a node has gone that may have known of
// something, each response is validated once.
func TestStandstillThatStays(t *testing.T) {
	for what, stand := range map[string]func(a node){
		"longer than a lease": func(a node) { a.stoodStill(2 * time.Minute) },
		"a node has gone": func(a node) {
			a.Node.SetMembers([]string{a.name})
			a.mu.Lock()
			a.awaited["gone"] = struct{}{}
			a.mu.Unlock()
			a.store.Suspend()
			a.keepSharing("gone")
		},
	} {
		a, b := pair(t)
		key := a.owned(t)
		a.holds(t, b, key)
		stand(a)
		a.serves(key)
		eventually(t, what+": logs are never exchanged", func() bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			return len(a.missed) == 0 && len(a.awaited) == 0
		})
		if a.serves(key) {
			t.Errorf("%s: served, though others may know better", what)
		}
	}
}
