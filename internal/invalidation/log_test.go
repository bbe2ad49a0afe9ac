package invalidation

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// pullAll has l learn all that other knows.
func pullAll(t testing.TB, l, other *Log) Change {
	t.Helper()
	c, err := l.Merge(other.Reply(l.Now().Position))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func land(l *Log, r Resource) Mark {
	mark, _ := l.Land(r, l.Now().Token)
	return mark
}

func TestScopes(t *testing.T) {
	for _, test := range []struct {
		scope   Scope
		key     string
		matches bool
	}{
		{Key("a/b"), "a/b", true}, {Key("a/b"), "a/b?q", false}, {Key("a/b?q"), "a/b?q", true},
		{Key(""), "", true}, {Scope{}, "", true}, {Group("a"), "a", false},
		{Prefix("a/b"), "a/b", true}, {Prefix("a/b"), "a/b/", true}, {Prefix("a/b/"), "a/b/c?q",
			true},
		{Prefix("a/b"), "a/bc", false}, {Prefix("a/b"), "a/b?q", true}, {Prefix("a"), "b?a/b",
			false},
		{Prefix("a"), "a/b/c/d", true}, {Prefix("a//"), "a//b", true}, {Prefix("a//"), "a/b",
			false},
		{Prefix("/a"), "/a/b", true}, {Prefix("/"), "b", true},
		{Queries("a/b"), "a/b", true}, {Queries("a/b"), "a/b?q", true}, {Queries("a/b"), "a/b/",
			false},
		{Queries("a/b"), "a/b/c?q", false}, {Queries("a"), "a/b", false}, {Queries(""), "?q", true},
		{Queries(""), "a", false},
	} {
		if got := slices.Contains(slices.Collect(scopes(Resource{Key: test.key})),
			test.scope); got != test.matches {
			t.Errorf("%v matches %q: %t", test.scope, test.key, got)
		}
		l := New(Config{Incarnation: 1})
		then := l.Now().Token
		l.Publish(Revalidate, test.scope)
		if got := l.Check(Resource{Key: test.key}, then) == MustRevalidate; got != test.matches {
			t.Errorf("%v has %q validated: %t", test.scope, test.key, got)
		}
		l.Publish(Expire, test.scope) // which is the weaker one
		if got := l.Check(Resource{Key: test.key}, then+1) == Expired; got != test.matches {
			t.Errorf("%v has %q stale: %t", test.scope, test.key, got)
		}
		if got := test.scope.Matches(Resource{Key: test.key}); got != test.matches {
			t.Errorf("%v matches %q alone: %t", test.scope, test.key, got)
		}
	}
}

// TestOneProbeForEachSegment: a lookup costs no more for the prefixes that there may be.
func TestOneProbeForEachSegment(t *testing.T) {
	for key, want := range map[string]int{"a/b/c?q/r": 3 + 3, "a": 3 + 1, "": 3, "a/": 3 + 1,
		"/a": 3 + 1} {
		if got := len(slices.Collect(scopes(Resource{Key: key}))); got != want {
			t.Errorf("%q is looked up by %d probes, want %d", key, got, want)
		}
	}
}

// TestLowerNameComesLast: an entry whose name is lower than another one's, because its issuer
// didn't know that, gives what it matches another version all the same.
func TestLowerNameComesLast(t *testing.T) {
	near, far, r := New(Config{Incarnation: 1}), New(Config{Incarnation: 2}), Resource{Key: "a"}
	for range 5 {
		near.Publish(Remove, Key("a"))
	}
	before := land(near, r)
	if late := far.Publish(Remove, Key("a")).Entries[0]; near.time < late.Name.Time {
		t.Fatalf("the entry's name is %v", late.Name)
	}
	pullAll(t, near, far)
	if after := land(near, r); after == before {
		t.Error("the mark is the same as before")
	}
}

// TestNamesAreLater: an entry's name is later than those of all entries that its issuer knows,
// however it has learnt them.
func TestNamesAreLater(t *testing.T) {
	far := New(Config{Incarnation: 2})
	for range 5 {
		far.Publish(Remove, Key("a"))
	}
	entries := far.Publish(Remove, Key("a")).Entries
	forgotten := New(Config{Incarnation: 3})
	forgotten.time = 100
	for name, learn := range map[string]func(l *Log) uint64{
		"learnt": func(l *Log) uint64 {
			l.Learn([]Entry{{Name{7, 2, 1}, Remove, Key("b")}})
			return 7
		},
		"pulled": func(l *Log) uint64 {
			pullAll(t, l, far)
			return entries[0].Name.Time
		},
		"known to another": func(l *Log) uint64 {
			pullAll(t, l, forgotten)
			return 100
		},
	} {
		l := New(Config{Incarnation: 1})
		latest := learn(l)
		if e := l.Publish(Revalidate, Key("c")).Entries[0]; e.Name.Time <= latest {
			t.Errorf("%s: the name after %d is %v", name, latest, e.Name)
		}
	}
}

func TestRevalidateAll(t *testing.T) {
	l, r := New(Config{Incarnation: 1}), Resource{Key: "a"}
	then := l.Now().Token
	if !l.MustRevalidate(0) || l.MustRevalidate(then) {
		t.Error("only the zero token is to be doubted from the start")
	}
	l.RevalidateAll()
	if !l.MustRevalidate(then) || l.MustRevalidate(l.Now().Token) {
		t.Error("what is older than the call is to be validated, and no more")
	}
	if _, verdict := l.Land(r, then); verdict != Unconfirmed || l.Joins(r, then+1, then) {
		t.Errorf("a flight lands with verdict %d, or is joined", verdict)
	}
}

// TestSuspend: what is suspended is to be validated until Resume, and what was doubted before stays
// so.
func TestSuspend(t *testing.T) {
	l, r := New(Config{Incarnation: 1}), Resource{Key: "a"}
	before := l.Now().Token
	l.RevalidateAll()
	then := l.Now().Token
	l.Suspend()
	l.Suspend()
	if _, verdict := l.Land(r, then); !l.MustRevalidate(then) || verdict != Unconfirmed {
		t.Errorf("nothing is suspended; a flight lands with verdict %d", verdict)
	}
	l.Resume()
	if _, verdict := l.Land(r, then); l.MustRevalidate(then) || !l.MustRevalidate(before) ||
		verdict != Current {
		t.Errorf("what is suspended isn't resumed, or more is; a flight lands with %d", verdict)
	}
}

// TestSharesAreApart: however many Revalidates come, no Remove is forgotten, and no mark changes.
func TestSharesAreApart(t *testing.T) {
	l, then := New(Config{Incarnation: 1}), Token(1)
	l.Publish(Remove, Key("a"))
	mark := land(l, Resource{Key: "a"})
	for i := range 100_000 {
		if c := l.Publish(Revalidate, Key(fmt.Sprint(i))); c.Forgot {
			t.Fatalf("a Remove is forgotten after %d Revalidates", i)
		}
	}
	if verdict := l.Check(Resource{Key: "a"}, then); verdict != Removed {
		t.Errorf("what was removed has verdict %d", verdict)
	}
	late := New(Config{Incarnation: 2})
	if pullAll(t, late, l); land(late, Resource{Key: "a"}) != mark {
		t.Error("another node doesn't learn of the Remove")
	}
	if land(l, Resource{Key: "a"}) != mark || land(l, Resource{Key: "b"}) != 0 {
		t.Error("marks have changed")
	}
	if len(l.shares[Revalidate].forgotten) == 0 {
		t.Error("nothing was forgotten")
	}
}

// TestSameScopeTakesNoRoom: of one issuer, the last entry for a scope stands for the earlier ones.
func TestSameScopeTakesNoRoom(t *testing.T) {
	l := New(Config{Incarnation: 1, Bytes: [kinds]int{10_000, 10_000, 10_000}})
	for i := range 10_000 {
		l.Publish(Revalidate, Key(fmt.Sprint(i%10)), Group("g"))
	}
	if len(l.shares[Revalidate].forgotten) > 0 {
		t.Fatal("entries are forgotten")
	}
	late := New(Config{Incarnation: 2})
	if c := pullAll(t, late, l); len(c.Entries) != 11 {
		t.Errorf("a pull brings %d entries", len(c.Entries))
	}
}

// TestForgettingKeepsWhatKnew: a node that knew what another one has forgotten keeps all that it
// has; one that didn't keeps nothing.
func TestForgettingKeepsWhatKnew(t *testing.T) {
	cfg := func(incarnation uint64, bytes int) Config {
		return Config{Incarnation: incarnation, Bytes: [kinds]int{bytes, bytes, bytes}}
	}
	issuer, knew, missed := New(cfg(1, 10_000)), New(cfg(2, 1<<20)), New(cfg(3, 1<<20))
	for i, forgot := 0, false; !forgot; i++ {
		c := issuer.Publish(Remove, Key(fmt.Sprint(i)))
		if _, behind := knew.Learn(c.Entries); behind {
			t.Fatal("behind")
		}
		forgot = c.Forgot
	}
	r := Resource{Key: "a"}
	if c := pullAll(t, knew, issuer); len(c.Entries) > 0 {
		t.Error("the node that knew all removes something")
	}
	if c := pullAll(t, missed, issuer); !slices.Contains(c.Entries, Entry{Kind: Remove}) {
		t.Error("the node that missed something keeps what it has")
	}
	if land(knew, r) != land(issuer, r) || land(missed, r) != land(issuer, r) {
		t.Error("marks differ")
	}
}

// TestPullIsBounded: no reply is larger than a log may be, but for what it knows of each issuer.
func TestPullIsBounded(t *testing.T) {
	const most = 100_000
	full, empty := New(Config{Incarnation: 1, Bytes: [kinds]int{most, most, most}}),
		New(Config{Incarnation: 2})
	before := empty.Now().Position
	for i := range 2000 {
		full.Publish(Kind(i)%kinds, Key(fmt.Sprint(i, strings.Repeat("x", i%300))))
		if i%50 > 0 {
			continue
		}
		reply := encodeReply(full.Reply(empty.Now().Position))
		if len(reply) > full.shares[Remove].bytes+full.shares[Revalidate].bytes+
			full.shares[Expire].bytes+60 || len(reply) > int(kinds)*most+60 {
			t.Fatalf("%d bytes", len(reply))
		}
	}
	if !empty.Behind(full.Now().Position) || full.Behind(before) || full.Covers(before) {
		t.Error("which log is behind is wrong")
	}
	pullAll(t, empty, full)
	if after := empty.Now().Position; full.Behind(after) || !reflect.DeepEqual(after,
		full.Now().Position) {
		t.Error("a pull brings not all")
	}
}

// TestPullFromLargerLog: what a log of these bounds can't have isn't taken.
func TestPullFromLargerLog(t *testing.T) {
	large, small := New(Config{Incarnation: 1}), New(Config{Incarnation: 2, Bytes: [kinds]int{5000,
		5000, 5000}})
	for i := range 100 {
		large.Publish(Remove, Key(fmt.Sprint(i)))
	}
	before := small.Now()
	if _, err := small.Merge(large.Reply(before.Position)); err == nil || small.Now() != before {
		t.Error("it is taken")
	}
}

// TestPullThatContradictsItself: a reply has no entries beyond those that its log is said to know,
// and has forgotten none of those.
func TestPullThatContradictsItself(t *testing.T) {
	for name, r := range map[string]Reply{
		"unknown entry": {entries: []Entry{{Name{1, 1, 2}, Remove, Key("a")}},
			shares: [kinds]contents{{known: vector{{1, 1}}}}},
		"forgotten": {shares: [kinds]contents{{known: vector{{1, 1}}, forgotten: vector{{1, 2}}}}},
	} {
		l := New(Config{Incarnation: 3})
		before := l.Now()
		if _, err := l.Merge(&r); err == nil || l.Now() != before {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestInstallAgainstPurge runs the two sides of the protocol against each other: once a purge is
// acknowledged, nothing older is found.
func TestInstallAgainstPurge(t *testing.T) {
	type record struct {
		token Token
		body  int64
	}
	var (
		l            = New(Config{Incarnation: 1})
		r            = Resource{Key: "a/b", Groups: []string{"g"}}
		content      atomic.Int64 // of the origin
		acknowledged atomic.Int64 // the content from before this is purged
		mu           sync.Mutex   // the shard's
		table        *record
		purging      sync.WaitGroup
		others       sync.WaitGroup
	)
	done := make(chan struct{})
	repeat := func(do func()) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					do()
				}
			}
		})
	}
	for range 4 {
		repeat(func() {
			rec := &record{l.Now().Token, content.Load()}
			mu.Lock()
			defer mu.Unlock()
			table = rec
			if _, verdict := l.Land(r, rec.token); verdict == Removed {
				table = nil
			}
		})
		repeat(func() {
			purged := acknowledged.Load()
			mu.Lock()
			defer mu.Unlock()
			if table != nil && table.body < purged {
				t.Errorf("%d is found after a purge of all before %d", table.body, purged)
			}
		})
	}
	for _, scope := range []Scope{Key("a/b"), Prefix("a"), Group("g"), {}} {
		purging.Go(func() {
			for range 500 {
				changed := content.Add(1)
				mu.Lock()
				if c := l.Publish(Remove, scope); c.Entries[0].Scope.Matches(r) {
					table = nil
				}
				mu.Unlock()
				for then := acknowledged.Load(); then < changed; then = acknowledged.Load() {
					acknowledged.CompareAndSwap(then, changed)
				}
			}
		})
	}
	purging.Wait()
	close(done)
	others.Wait()
}

// TestNoAllocations: what is asked for each request takes no memory.
func TestNoAllocations(t *testing.T) {
	l := filled(5000)
	r := Resource{Key: "a/b/c/d/e/f?q=1", Groups: []string{"g", "h"}}
	then := l.Now()
	l.Publish(Revalidate, Key("other"), Prefix("a/x"))
	l.Publish(Remove, Prefix("a/x"))
	old := then.Position
	for name, f := range map[string]func(){
		"MustRevalidate": func() { l.MustRevalidate(then.Token) },
		"Check":          func() { l.Check(r, then.Token) },
		"Begin":          func() { l.Begin(r) },
		"Land":           func() { l.Land(r, then.Token) },
		"Joins":          func() { l.Joins(r, then.Token+1, then.Token) },
		"Accepts":        func() { l.Accepts(r, old) },
		"Covers":         func() { l.Covers(old) },
		"Now":            func() { l.Now() },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// filled is a log of n entries of each kind for other resources than the tests'.
func filled(n int) *Log {
	l := New(Config{Incarnation: 1, Bytes: [kinds]int{1 << 30, 1 << 30, 1 << 30}})
	for i := range n {
		for kind := range kinds {
			l.Publish(kind, Key(fmt.Sprint("k", i)), Prefix(fmt.Sprint("p", i)),
				Group(fmt.Sprint("g", i)))
		}
	}
	return l
}

func TestVectors(t *testing.T) {
	a, b := vector{{1, 5}, {3, 1}}, vector{{1, 4}, {2, 7}}
	if got := a.merged(b); !slices.Equal(got, vector{{1, 5}, {2, 7}, {3, 1}}) {
		t.Errorf("merged: %v", got)
	}
	if a.covers(b) || !a.covers(vector{{1, 5}}) || !a.covers(nil) || vector(nil).covers(a) ||
		a.covers(vector{{9, 1}}) {
		t.Error("covers is wrong")
	}
	got := a.merged(vector{{2, 8}, {1, 2}, {2, 9}}) // in no order
	if !slices.Equal(got, vector{{1, 5}, {2, 9}, {3, 1}}) || len(a) != 2 {
		t.Errorf("merged: %v", got)
	}
}
