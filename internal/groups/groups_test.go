package groups

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"unsafe"
)

// loads is a Loader of values that this node owns.
type loads func(ctx context.Context) ([]byte, error)

func (f loads) Load(ctx context.Context) ([]byte, error) { return f(ctx) }

func (loads) Fetch(context.Context) ([]byte, error) { panic("nobody else owns it") }

// value is a Loader of what never fails to come.
func value(b []byte) loads { return func(context.Context) ([]byte, error) { return b, nil } }

func acquire(t *testing.T, budget int64) *Group {
	t.Helper()
	g, err := Acquire(Config{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Release)
	return g
}

func TestValueIsAdoptedNotCopied(t *testing.T) {
	nut := []byte("nut")
	for name, put := range map[string]func(g *Group, key string){
		"loaded": func(g *Group, key string) { _, _ = g.Get(t.Context(), key, value(nut)) },
		"put":    func(g *Group, key string) { g.Put(key, nut) },
	} {
		t.Run(name, func(t *testing.T) {
			g := acquire(t, 1<<10)
			put(g, g.Prefix()+"k")
			got, ok := g.Peek(g.Prefix() + "k")
			if !ok || unsafe.SliceData(got) != unsafe.SliceData(nut) || len(got) != 3 {
				t.Fatalf("got %q, %v: not the slice that was given", got, ok)
			}
			if u := g.Usage(); u.Items != 1 || u.Gets < 2 {
				t.Errorf("usage %+v, want 1 item, which was looked up", u)
			}
		})
	}
}

func TestEmptyValue(t *testing.T) {
	g := acquire(t, 1<<10)
	g.Put(g.Prefix()+"k", []byte{})
	if got, ok := g.Peek(g.Prefix() + "k"); !ok || len(got) != 0 {
		t.Errorf("got %q, %v", got, ok)
	}
}

func TestFirstPutStays(t *testing.T) {
	g := acquire(t, 1<<10)
	for _, v := range []string{"nut", "bolt"} {
		g.Put(g.Prefix()+"k", []byte(v))
	}
	if got, ok := g.Peek(g.Prefix() + "k"); string(got) != "nut" || !ok {
		t.Errorf("got %q, %v", got, ok)
	}
}

func TestLoaderSeesTheCallersContext(t *testing.T) {
	type mark struct{}
	g := acquire(t, 0)
	ctx := context.WithValue(t.Context(), mark{}, 7)
	_, err := g.Get(ctx, g.Prefix()+"a.b", loads(func(got context.Context) ([]byte, error) {
		if got != ctx {
			t.Errorf("context %v", got)
		}
		return nil, nil
	}))
	if err != nil {
		t.Error(err)
	}
}

func TestErrorComesThroughAndIsNotKept(t *testing.T) {
	fail := errors.New("origin is down")
	g := acquire(t, 1<<10)
	failing := loads(func(context.Context) ([]byte, error) { return nil, fail })
	if _, err := g.Get(t.Context(), g.Prefix()+"k", failing); err != fail {
		t.Errorf("error %v, want %v", err, fail)
	}
	if got, err := g.Get(t.Context(), g.Prefix()+"k", value([]byte("nut"))); string(got) != "nut" {
		t.Errorf("after the error: %q, %v", got, err)
	}
}

func TestPanicIsAnErrorAndTheKeyLives(t *testing.T) {
	for name, owner := range map[string]func(string) bool{"here": nil, "at a peer": func(string) bool { return true }} {
		t.Run(name, func(t *testing.T) {
			g, err := Acquire(Config{Budget: 1 << 10, Remote: owner})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Release()
			bug := loads(func(context.Context) ([]byte, error) { panic("bug") })
			if _, err := g.Get(t.Context(), g.Prefix()+"k", bug); err == nil {
				t.Fatal("a panic was taken for a value")
			}
			if got, err := g.Get(t.Context(), g.Prefix()+"k", value([]byte("nut"))); string(got) != "nut" {
				t.Errorf("after the panic: %q, %v", got, err)
			}
		})
	}
}

// TestPutJoinsAFlightThatFails: a Put that joins the flight of one who finds nothing puts its value
// all the same.
func TestPutJoinsAFlightThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := acquire(t, 1<<20)
		key, release := g.Prefix()+"k", make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := g.Get(t.Context(), key, loads(func(context.Context) ([]byte, error) {
				<-release
				return nil, ErrNotHeld
			}))
			if err != ErrNotHeld {
				t.Errorf("who looked got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { g.Put(key, []byte("nut")) })
		synctest.Wait()
		close(release)
		wg.Wait()
		if b, ok := g.Peek(key); !ok || string(b) != "nut" {
			t.Errorf("%q, %v", b, ok)
		}
	})
}

// TestPutGivesUp: what a group won't take isn't offered for ever.
func TestPutGivesUp(t *testing.T) {
	g := acquire(t, 1<<10)
	g.Put("foreign.0.v.0", []byte("nut"))
	g.Release()
	g.Put(g.Prefix()+"k", []byte("nut"))
}

func TestNextTenantSeesNothingOfTheLast(t *testing.T) {
	const budget = 3<<20 + 12345
	first, err := Acquire(Config{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		first.Put(fmt.Sprint(first.Prefix(), i), bytes.Repeat([]byte{'1'}, 1000))
	}
	first.Reserve(budget / 4)
	first.Release()
	first.Release()           // a second time does nothing
	first.Reserve(budget / 2) // nor does this
	if _, err := first.Get(t.Context(), first.Prefix()+"1", value(nil)); err != ErrClosed {
		t.Errorf("Get after Release: %v", err)
	}

	second := acquire(t, budget)
	if second.pooled != first.pooled {
		t.Fatal("the group was not handed on")
	}
	if got, ok := second.Peek(second.Prefix() + "1"); ok {
		t.Errorf("the second tenant got %.10q", got)
	}
	if _, err := second.Get(t.Context(), first.Prefix()+"1", value(nil)); err == nil {
		t.Error("a key of the first tenant was answered")
	}
	if u := first.Usage(); u != (Usage{}) {
		t.Errorf("usage of what was given back: %+v", u)
	}
}

// TestUsageIsTheTenantsOwn: what stands in the place of an earlier tenant's values isn't counted.
func TestUsageIsTheTenantsOwn(t *testing.T) {
	const budget = 3<<20 + 54321
	load := value(make([]byte, 1000))
	g, err := Acquire(Config{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
	g = acquire(t, budget)
	if u := g.Usage(); u != (Usage{}) {
		t.Errorf("an empty group's usage: %+v", u)
	}
	size := int64(1000 + len(g.Prefix()) + 4)
	for i := range int64(2 * budget / 1000) {
		if _, err := g.Get(t.Context(), fmt.Sprintf("%s%04d", g.Prefix(), i), load); err != nil {
			t.Fatal(err)
		}
		u := g.Usage()
		if u.Bytes != u.Items*size || u.Items+u.Evictions != i+1 || u.Bytes > budget {
			t.Fatalf("after %d values of %d bytes: %+v", i+1, size, u)
		}
	}
}

// newBudgets tells the budgets of groups that are to be new from those of an earlier run.
var newBudgets atomic.Int64

// TestTenantWithoutPeersHasAllOfItsBudget: the hot cache of a group that had peers is no loss to one
// that has none.
func TestTenantWithoutPeersHasAllOfItsBudget(t *testing.T) {
	const size = 1000
	budget := 1<<20 + 6789 + newBudgets.Add(1) // a new group: in one that was emptied, the hot cache stays small
	peers, err := Acquire(Config{Budget: budget, Remote: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	load := anywhere(func() []byte { return make([]byte, size) })
	for i := range 20_000 { // one in ten is kept
		_, _ = peers.Get(t.Context(), fmt.Sprint(peers.Prefix(), i), load)
	}
	if u := peers.Usage(); u.HotBytes < budget/2 {
		t.Fatalf("%+v", u)
	}
	peers.Release()
	g := acquire(t, budget)
	for i := range 2 * budget / size {
		_, _ = g.Get(t.Context(), fmt.Sprint(g.Prefix(), i), load)
	}
	if u := g.Usage(); u.Bytes < budget-2*size {
		t.Errorf("%+v", u)
	}
}

func TestReleaseFreesTheMemory(t *testing.T) {
	const budget = 64 << 20
	g, err := Acquire(Config{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		g.Put(fmt.Sprint(g.Prefix(), i), make([]byte, 1<<20))
	}
	held := heap()
	g.Release()
	if freed := held - heap(); freed < 50<<20 {
		t.Errorf("Release freed %d bytes of %d", freed, 60<<20)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestReleaseWaitsForFlights(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	g := acquire(t, 0)
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := g.Get(context.Background(), g.Prefix()+"k", loads(func(context.Context) ([]byte, error) {
			entered <- true
			<-leave
			return []byte("nut"), nil
		}))
		if string(got) != "nut" {
			t.Errorf("the flight that Release waited for got %q, %v", got, err)
		}
	})
	<-entered
	wg.Go(g.Release)
	leave <- true
	wg.Wait()
}
