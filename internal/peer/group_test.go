package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"unsafe"
)

func acquire(t *testing.T, budget int64, get Getter) *Group {
	t.Helper()
	g, err := Acquire(GroupConfig{Budget: budget, Load: get})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Release)
	return g
}

func TestValueIsAdoptedNotCopied(t *testing.T) {
	value := []byte("nut")
	g := acquire(t, 1<<10, func(context.Context, string) ([]byte, error) { return value, nil })
	for range 2 { // by the getter, then from the cache
		got, err := g.Get(t.Context(), g.Prefix()+"k")
		if err != nil || unsafe.SliceData(got) != unsafe.SliceData(value) || len(got) != 3 {
			t.Fatalf("got %q, %v: not the getter's own slice", got, err)
		}
	}
	if u := g.Usage(); u.Items != 1 || u.Hits != 1 {
		t.Errorf("usage %+v, want 1 item and 1 hit", u)
	}
}

func TestEmptyValue(t *testing.T) {
	g := acquire(t, 1<<10, func(context.Context, string) ([]byte, error) { return []byte{}, nil })
	if got, err := g.Get(t.Context(), g.Prefix()+"k"); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestGetterSeesKeyAndContext(t *testing.T) {
	type mark struct{}
	g := acquire(t, 0, func(ctx context.Context, key string) ([]byte, error) {
		return fmt.Appendf(nil, "%s %v", key, ctx.Value(mark{})), nil
	})
	got, err := g.Get(context.WithValue(t.Context(), mark{}, 7), g.Prefix()+"a.b")
	if err != nil || string(got) != "a.b 7" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestErrorComesThroughAndIsNotKept(t *testing.T) {
	fail := errors.New("origin is down")
	loads := 0
	g := acquire(t, 1<<10, func(context.Context, string) ([]byte, error) {
		if loads++; loads == 1 {
			return nil, fail
		}
		return []byte("nut"), nil
	})
	if _, err := g.Get(t.Context(), g.Prefix()+"k"); !errors.Is(err, fail) {
		t.Errorf("error %v, want %v", err, fail)
	}
	if got, err := g.Get(t.Context(), g.Prefix()+"k"); string(got) != "nut" {
		t.Errorf("after the error: %q, %v", got, err)
	}
}

func TestPanicIsAnErrorAndTheKeyLives(t *testing.T) {
	panics := true
	g := acquire(t, 1<<10, func(context.Context, string) ([]byte, error) {
		if panics {
			panic("bug")
		}
		return []byte("nut"), nil
	})
	if _, err := g.Get(t.Context(), g.Prefix()+"k"); err == nil {
		t.Fatal("a panic in the getter was taken for a value")
	}
	panics = false
	if got, err := g.Get(t.Context(), g.Prefix()+"k"); string(got) != "nut" {
		t.Errorf("after the panic: %q, %v", got, err)
	}
}

func TestNextTenantSeesNothingOfTheLast(t *testing.T) {
	const budget = 3<<20 + 12345
	get := func(value byte) Getter {
		return func(context.Context, string) ([]byte, error) { return bytes.Repeat([]byte{value}, 1000), nil }
	}
	first, err := Acquire(GroupConfig{Budget: budget, Load: get('1')})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := first.Get(t.Context(), fmt.Sprint(first.Prefix(), i)); err != nil {
			t.Fatal(err)
		}
	}
	first.Release()
	first.Release() // a second time does nothing
	if _, err := first.Get(t.Context(), first.Prefix()+"1"); !errors.Is(err, ErrClosed) {
		t.Errorf("Get after Release: %v", err)
	}

	second := acquire(t, budget, get('2'))
	if second.pooled != first.pooled {
		t.Fatal("the group was not handed on")
	}
	if got, _ := second.Get(t.Context(), second.Prefix()+"1"); !bytes.Equal(got, bytes.Repeat([]byte{'2'}, 1000)) {
		t.Errorf("the second tenant got %.10q", got)
	}
	if _, err := second.Get(t.Context(), first.Prefix()+"1"); err == nil {
		t.Error("a key of the first tenant was answered")
	}
	if u := first.Usage(); u != (Usage{}) {
		t.Errorf("usage of what was given back: %+v", u)
	}
}

// TestUsageIsTheLoansOwn: what stands in the place of an earlier tenants's values isn't counted.
func TestUsageIsTheLoansOwn(t *testing.T) {
	const budget = 3<<20 + 54321
	get := func(context.Context, string) ([]byte, error) { return make([]byte, 1000), nil }
	g, err := Acquire(GroupConfig{Budget: budget, Load: get})
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
	g = acquire(t, budget, get)
	if u := g.Usage(); u != (Usage{}) {
		t.Errorf("an empty group's usage: %+v", u)
	}
	size := int64(1000 + len(g.Prefix()) + 4)
	for i := range int64(2 * budget / 1000) {
		if _, err := g.Get(t.Context(), fmt.Sprintf("%s%04d", g.Prefix(), i)); err != nil {
			t.Fatal(err)
		}
		u := g.Usage()
		if u.Bytes != u.Items*size || u.Items+u.Evictions != i+1 || u.Bytes > budget {
			t.Fatalf("after %d values of %d bytes: %+v", i+1, size, u)
		}
	}
}

func TestReleaseFreesTheMemory(t *testing.T) {
	const budget = 64 << 20
	g, err := Acquire(GroupConfig{Budget: budget, Load: func(context.Context, string) ([]byte, error) { return make([]byte, 1<<20), nil }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, err := g.Get(t.Context(), fmt.Sprint(g.Prefix(), i)); err != nil {
			t.Fatal(err)
		}
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
	g, err := Acquire(GroupConfig{Load: func(context.Context, string) ([]byte, error) {
		entered <- true
		<-leave
		return []byte("nut"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if got, err := g.Get(context.Background(), g.Prefix()+"k"); string(got) != "nut" {
			t.Errorf("the flight that Release waited for got %q, %v", got, err)
		}
	})
	<-entered
	wg.Go(g.Release)
	leave <- true
	wg.Wait()
}
