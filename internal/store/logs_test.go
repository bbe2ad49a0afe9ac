package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/race"
)

// TestLateComersDontJoin: a request that comes after a group has been invalidated doesn't get what
// a request before that brings of a member, although nobody knew that it would be one.
func TestLateComersDontJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, fetches := [...]chan struct{}{make(chan struct{}), make(chan struct{})}, 0
		s := open(t, &scripted{fetch: func(context.Context, *Request) *OriginResponse {
			fetches++
			<-release[fetches-1]
			f := answer(4, text("nuts"))
			f.Record.Groups = []string{"g"}
			return f
		}})
		early := ask(t, s, Request{Key: "k", Whole: true}, nil)
		joins := ask(t, s, Request{Key: "k", Whole: true}, nil)
		s.Purge(&Purge{Groups: []string{"g"}})
		late := ask(t, s, Request{Key: "k", Whole: true}, nil)
		close(release[0])
		first, second := <-early, <-joins
		close(release[1]) // one that joined may also get what is newer once that has come
		third := <-late
		if first.err != nil || second.err != nil || third.err != nil || fetches != 2 {
			t.Fatalf("%v, %v, %v by %d fetches", first.err, second.err, third.err, fetches)
		}
		if now := find(s, "k", nil); now == nil || now.Version != third.res.Record.Version ||
			second.res.Record.Version != first.res.Record.Version ||
			now.Version == first.res.Record.Version {
			t.Errorf("%+v is stored", now)
		}
		s.Close()
	})
}

// TestOneThatMissedLearns: a node that couldn't be told of an invalidation is brought up to it by
// one that asks it for something, and has what else it had.
func TestOneThatMissedLearns(t *testing.T) {
	src := &canned{size: 5000}
	c := openCluster(t, "b", &canned{}, src, &canned{})
	read(t, c.nodes["b"], "k", 0, -1)
	read(t, c.nodes["b"], "l", 0, -1)
	c.setDown("b", true)
	c.nodes["a"].Remove([]string{"k"})
	c.setDown("b", false)
	if find(c.nodes["b"], "k", nil) == nil {
		t.Fatal("it has been told")
	}
	had := find(c.nodes["b"], "l", nil)
	for _, node := range []string{"c", "a"} {
		if read(t, c.nodes[node], "k", 0, -1); src.fetches != 3 {
			t.Errorf("%s: %d fetches", node, src.fetches)
		}
	}
	rec, mustRevalidate := c.nodes["b"].Find("l", nil, false)
	if rec != had || mustRevalidate {
		t.Errorf("of another: %+v, to be validated: %t", rec, mustRevalidate)
	}
}

// TestBytesOfTheRemoved: a node that knows of an invalidation doesn't give bytes that it was about
// to one that doesn't, in whatever way that asks. What it wasn't about is given.
func TestBytesOfTheRemoved(t *testing.T) {
	const size = 20 << 10
	c := openCluster(t, "b", &canned{}, &canned{size: size, rangeable: true}, &canned{})
	read(t, c.nodes["c"], "k", 0, -1)
	read(t, c.nodes["c"], "l", 0, -1)
	k, l := find(c.nodes["c"], "k", nil), find(c.nodes["c"], "l", nil)
	c.setDown("c", true)
	c.nodes["a"].Remove([]string{"k"})
	b, p := c.nodes["b"].Server(), c.nodes["c"].Position()
	chunk := func(rec *Record, p *invalidation.Position) error {
		s := c.nodes["c"]
		_, err := b.Answer(&ChunkRequest{s.chunkKey(rec, firstChunk)[len(s.prefix):], p})
		return err
	}
	begin := func(rec *Record, key string) error {
		sending, err := b.Read(t.Context(), &ReadRequest{Key: key, Record: sent(rec), End: 10,
			Position: p})
		if err == nil {
			sending.Close()
		}
		return err
	}
	_, fragment := b.Answer(&FragmentRequest{&Record{Key: "k", Version: k.Version, Details: plain},
		0, p})
	_, takeOver := b.Read(t.Context(), &ReadRequest{Key: "k", Record: sent(k), End: 10,
		TakesOver: true, Position: p})
	for way, err := range map[string]error{
		"chunk": chunk(k, p), "read": begin(k, "k"), "fragment": fragment, "take over": takeOver,
	} {
		if err != ErrBehind {
			t.Errorf("%s: %v", way, err)
		}
	}
	if err := begin(l, "l"); err != nil {
		t.Errorf("of another: %v", err)
	}
	if err := chunk(l, c.nodes["a"].Position()); err != nil {
		t.Errorf("to one that knows: %v", err)
	}
}

// TestValidatedAfterItsRemoval: what was found just before it was removed isn't validated after
// that: others might share it.
func TestValidatedAfterItsRemoval(t *testing.T) {
	var validated []*Record
	note := func(prev *Record) { validated = append(validated, prev) }
	s := open(t, &watched{canned: canned{size: 5000}, seen: note})
	read(t, s, "k", 0, -1)
	prev := find(s, "k", nil)
	s.Remove([]string{"k"})
	res, err := s.Fetch(t.Context(), &Request{Key: "k"}, prev)
	if err != nil {
		t.Fatal(err)
	}
	if res.Close(); len(validated) != 2 || validated[1] != nil {
		t.Errorf("validated: %+v", validated)
	}
}

// watched tells what it is to validate.
type watched struct {
	canned
	seen func(prev *Record)
}

func (w *watched) Fetch(ctx context.Context, req *Request, prev *Record) (*OriginResponse, error) {
	w.seen(prev)
	return w.canned.Fetch(ctx, req, prev)
}

// TestForgettingIsShared: nodes derive the same versions, whichever of them has forgotten
// invalidations, and a log never outgrows a message.
func TestForgettingIsShared(t *testing.T) {
	c := openCluster(t, "b", &canned{}, &canned{}, &canned{})
	a, b := c.nodes["a"], c.nodes["b"]
	for i := range 3 * logBytes[invalidation.Remove] / 300 {
		node := a
		if i%3 == 0 {
			node = b
		}
		node.Remove([]string{fmt.Sprint("k", i)})
	}
	c.setDown("b", true)
	c.setDown("c", true)
	_, before := a.log.Begin(a.resource("other", nil))
	for i, mark := 0, before; mark == before; i++ { // until a forgets what the others needn't yet
		a.Remove([]string{fmt.Sprint("l", i)})
		_, mark = a.log.Begin(a.resource("other", nil))
	}
	for _, key := range []string{"other", "k1", "k6999"} {
		_, want := a.log.Begin(a.resource(key, nil))
		for name, s := range c.nodes {
			if _, mark := s.log.Begin(s.resource(key, nil)); mark != want || mark == 0 {
				t.Errorf("%s has the mark %d for %s, a %d", name, mark, key, want)
			}
		}
	}
	var message codec.Coder
	a.Reply(c.nodes["c"].Position()).Code(&message)
	if len(message.B) > 1<<20 {
		t.Errorf("%d bytes", len(message.B))
	}
}

// TestForgottenBeforeItWasLearnt: a node that has missed something which others have forgotten by
// now removes all that it has.
func TestForgottenBeforeItWasLearnt(t *testing.T) {
	c := openCluster(t, "c", &canned{}, &canned{}, &canned{size: 100})
	a, s := c.nodes["a"], c.nodes["c"]
	read(t, s, "k", 0, -1)
	c.setDown("c", true)
	a.Remove([]string{"other"})
	(&fakeRemote{c, "a"}).share("c")
	if find(s, "k", nil) == nil {
		t.Fatal("what wasn't invalidated is gone")
	}
	for i := range 2 * logBytes[invalidation.Remove] / 300 {
		a.Remove([]string{fmt.Sprint("k", i)})
	}
	(&fakeRemote{c, "a"}).share("c")
	if find(s, "k", nil) != nil {
		t.Error("it has missed what is forgotten, and still has all")
	}
}

// TestWhatHasBegunGoesOn: a reader that has begun before an invalidation which its node knows of
// gets the rest of the same bytes, and not what the origin has under that validator by now.
func TestWhatHasBegunGoesOn(t *testing.T) {
	const size = 60 << 10
	near := &canned{size: size, rangeable: true}
	c := openCluster(t, "b", near, &canned{size: size, rangeable: true})
	s := c.nodes["a"]
	read(t, c.nodes["b"], "k", 0, -1)
	read(t, s, "k", 0, 10)
	var rd Reader
	s.Reader(&rd, &Fields{}, find(s, "k", nil), 0, -1)
	first, err := rd.Next(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := string(first)
	s.Remove([]string{"k"})
	if got += readAll(t, &rd); got != content(0, size) {
		t.Errorf("%d of %d bytes, or wrong ones", len(got), size)
	}
	if near.opened() > 0 || near.fetches > 0 {
		t.Errorf("the origin was asked for %q", near.opens)
	}
}

// TestInvalidatedUnderAReader: a node that hasn't been told of an invalidation learns of it from
// the owner of the bytes. A reader whose head is out gets the bytes that it has promised, also if
// it has sent none, and so does one for a later part of the same response. One that has still to
// send its head gives up.
func TestInvalidatedUnderAReader(t *testing.T) {
	const size, start = 60 << 10, 30 << 10
	goesOn := func(t *testing.T, rd *Reader) {
		if got := readOn(t, rd); got != content(start, size) {
			t.Errorf("%d bytes, or wrong ones", len(got))
		}
	}
	for name, c := range map[string]struct{ before, after func(*testing.T, *Reader) }{
		"begins": {func(*testing.T, *Reader) {}, func(t *testing.T, rd *Reader) {
			if err := rd.Ready(t.Context()); !errors.Is(err, fill.ErrGone) {
				t.Errorf("it gets ready: %v", err)
			}
		}},
		"later part": {func(*testing.T, *Reader) {}, goesOn},
		"no byte sent": {func(t *testing.T, rd *Reader) {
			if err := rd.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			rd.leave() // what it follows is lost
			rd.view = nil
		}, goesOn},
	} {
		// the call that the owner is invalidated before
		for _, call := range []string{"", "Chunk", "Read"} {
			t.Run(name+" "+call, func(t *testing.T) {
				near := &canned{size: size, rangeable: true}
				nodes := openCluster(t, "b", near, &canned{size: size, rangeable: true})
				a, b := nodes.nodes["a"], nodes.nodes["b"]
				read(t, b, "k", 0, -1)
				if read(t, a, "k", 0, 10); call == "Read" {
					evict(t, b)
				}
				var rd Reader
				a.Reader(&rd, &Fields{}, find(a, "k", nil), start, -1)
				defer rd.Close()
				c.before(t, &rd)
				nodes.before(call, func() {
					nodes.setDown("a", true)
					b.Remove([]string{"k"})
					nodes.setDown("a", false)
				})
				if c.after(t, &rd); near.opened() > 0 {
					t.Errorf("the node asked past the owner for %q", near.opens)
				}
			})
		}
	}
}

// TestInvalidatedBehindAFragment: a reader that has its first bytes, and learns of an invalidation
// when it looks whether the rest can be had, doesn't send its head either.
func TestInvalidatedBehindAFragment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const from, to = 1500, 1800
		c, rec, _ := openFragment(t, from, to)
		var rd Reader
		c.nodes["a"].Reader(&rd, &Fields{}, rec, from+10, to+5000)
		c.before("Read", func() {
			c.setDown("a", true)
			c.nodes["b"].Remove([]string{"k"})
			c.setDown("a", false)
		})
		if err := rd.Ready(t.Context()); !errors.Is(err, fill.ErrGone) {
			t.Errorf("a reader that has still to send its head gets ready: %v", err)
		}
		rd.Close()
		c.close()
	})
}

// confirmed sends contents under one validator, and confirms what it is asked to validate.
func confirmed(size int64, wait <-chan struct{}, fetches, confirms *int) Source {
	return &confirming{canned{size: size, rangeable: true}, wait, fetches, confirms}
}

type confirming struct {
	canned
	until             <-chan struct{}
	fetches, confirms *int
}

func (s *confirming) Fetch(ctx context.Context, req *Request, prev *Record) (*OriginResponse,
	error) {
	if <-s.until; prev == nil {
		*s.fetches++
		f, err := s.canned.Fetch(ctx, req, nil)
		f.Record.SetFields(http.Header{"Etag": {`"1"`}})
		return f, err
	}
	*s.confirms++
	return &OriginResponse{Record: prev.Clone(), Storable: true, Renewed: true}, nil
}

// TestValidationOvertaken: a validation that began before an entry doesn't make usable what the
// entry is about; one that began after it does, and the bytes keep their name.
func TestValidationOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fetches, confirms int
		release := make(chan struct{}, 3)
		s := open(t, confirmed(5000, release, &fetches, &confirms))
		release <- struct{}{}
		read(t, s, "k", 0, -1)
		first := find(s, "k", nil)
		early := ask(t, s, Request{Key: "k"}, first)
		synctest.Wait()
		s.Invalidate([]string{"k"}, nil, nil, Moment{})
		late := ask(t, s, Request{Key: "k"}, find(s, "k", nil))
		release <- struct{}{}
		if got := <-early; got.err != nil || confirms != 1 {
			t.Errorf("%v after %d validations", got.err, confirms)
		}
		synctest.Wait()
		if _, mustRevalidate := s.Find("k", nil, false); !mustRevalidate {
			t.Error("a validation that began before the entry is relied on after it")
		}
		release <- struct{}{}
		if got := <-late; got.err != nil || confirms != 2 || fetches != 1 {
			t.Errorf("%v after %d validations and %d fetches", got.err, confirms, fetches)
		}
		if rec, mustRevalidate := s.Find("k", nil, false); mustRevalidate ||
			rec.Version != first.Version {
			t.Errorf("to be validated: %t; %s has become %s", mustRevalidate, first.Version,
				rec.Version)
		}
		s.Close()
	})
}

// TestWritesLeaveRemovals: however many URLs clients write to, what was removed stays so, and no
// version changes by it.
func TestWritesLeaveRemovals(t *testing.T) {
	c := openCluster(t, "b", &canned{}, &canned{})
	a, b := c.nodes["a"], c.nodes["b"]
	before := a.Moment().Token
	a.Remove([]string{"k"})
	_, mark := a.log.Begin(a.resource("k", nil))
	for i := range race.Cases(100_000) { // the log holds a few thousand
		a.Invalidate([]string{fmt.Sprint("w", i)}, nil, nil, Moment{})
	}
	for _, s := range []*Store{a, b} {
		if _, now := s.log.Begin(s.resource("k", nil)); now != mark {
			t.Errorf("the mark was %d, and is %d", mark, now)
		}
	}
	if verdict := a.log.Check(a.resource("k", nil), before); verdict != invalidation.Removed {
		t.Errorf("what was removed has verdict %d", verdict)
	}
	var message codec.Coder
	a.Reply(invalidation.New(invalidation.Config{}).Now().Position).Code(&message)
	if len(message.B) > 1<<20 {
		t.Errorf("%d bytes", len(message.B))
	}
}

// TestForgottenWritesAreConfirmed: a node that has missed writes which are forgotten by now has all
// that it has validated.
func TestForgottenWritesAreConfirmed(t *testing.T) {
	var fetches, confirms int
	ready := make(chan struct{})
	close(ready)
	c := openCluster(t, "c", &canned{}, &canned{}, confirmed(100, ready, &fetches, &confirms))
	a, s := c.nodes["a"], c.nodes["c"]
	read(t, s, "k", 0, -1)
	c.setDown("c", true)
	for i := range 2 * logBytes[invalidation.Revalidate] / 300 {
		a.Invalidate([]string{fmt.Sprint("w", i)}, nil, nil, Moment{})
	}
	(&fakeRemote{c, "a"}).share("c")
	if rec, mustRevalidate := s.Find("k", nil, false); rec == nil || !rec.Invalid ||
		!mustRevalidate {
		t.Errorf("%+v is to be validated: %t", rec, mustRevalidate)
	}
}

// upperKeys is a KeySpace in which keys that differ in case are for the same resource.
type upperKeys struct{ plainKeys }

func (*upperKeys) CanonicalKey(key string) string { return strings.ToLower(key) }

// TestSweepMatchesAsEntriesDo: a sweep finds what its entries match one by one, however it looks for
// that, and whatever the spelling of the keys.
func TestSweepMatchesAsEntriesDo(t *testing.T) {
	keys := []string{"a", "a?x", "A", "A?Y", "a/", "a/?x", "a/b", "A/b?x", "a/b/c", "ab", "ab?a", "b",
		"B?a", "b/a"}
	prefix, queries := invalidation.Prefix, invalidation.Queries
	for _, scopes := range [][]invalidation.Scope{
		{{}}, {queries("a")}, {queries("b")}, {queries("a/")}, {prefix("a")}, {prefix("a/b")},
		{invalidation.Key("a?x")}, {queries("none")},
		{prefix("a/b"), queries("b"), invalidation.Key("ab")}, {prefix("b"), prefix("a/b")},
		{prefix("a"), prefix("a/b"), queries("a")},
		{prefix("a/b"), prefix("none"), prefix("b/a"), prefix("ab/c"), prefix("a/b/c"),
			prefix("b/c")}, // more than a few
	} {
		for _, kind := range []invalidation.Kind{invalidation.Remove, invalidation.Expire} {
			s := open(t, &canned{})
			s.cfg.Keys = &upperKeys{}
			want := 0
			matched := map[string]bool{}
			for _, key := range keys {
				install(s, key, 200, 1<<10)
				matched[key] = slices.ContainsFunc(scopes, func(scope invalidation.Scope) bool {
					return scope.Matches(s.resource(key, nil))
				})
				if matched[key] {
					want++
				}
			}
			done := s.publish(kind, scopes, nil, func() {})
			if done.swept.Responses != want {
				t.Errorf("%v sweeps %d of %d", scopes, done.swept.Responses, want)
			}
			for _, key := range keys {
				rec := find(s, key, nil)
				if gone := rec == nil || rec.Expired != 0; gone != matched[key] {
					t.Errorf("%v: %s is swept: %t", scopes, key, gone)
				}
			}
		}
	}
}
