package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// TestOwnerAloneAsksTheOrigin: however many clients on however many nodes ask, the owner asks the
// origin once, and all get what it sends.
func TestOwnerAloneAsksTheOrigin(t *testing.T) {
	for _, size := range []int64{5, 20 << 10, 200 << 10} {
		for _, rangeable := range []bool{true, false} {
			t.Run(fmt.Sprint(size, " bytes, ranges ", rangeable), func(t *testing.T) {
				sources := []*canned{{size: size, rangeable: rangeable}, {size: size,
					rangeable: rangeable}, {size: size, rangeable: rangeable}}
				c := openCluster(t, "b", sources[0], sources[1], sources[2])
				var clients sync.WaitGroup
				for _, s := range c.nodes {
					for range 4 {
						clients.Go(func() {
							if got := read(t, s, "k", 0, -1); got != content(0, size) {
								t.Errorf("%d of %d bytes, or wrong ones", len(got), size)
							}
						})
					}
				}
				clients.Wait()
				if sources[0].fetches+sources[2].fetches > 0 || sources[1].fetches != 1 {
					t.Errorf("fetches by each node: %d, %d, %d", sources[0].fetches,
						sources[1].fetches, sources[2].fetches)
				}
			})
		}
	}
}

// TestANodeIsStoodInFor: what its owner can't be asked for a node fetches by itself, and answers
// from for a lease.
func TestANodeIsStoodInFor(t *testing.T) {
	src := &canned{size: 5000}
	c := openCluster(t, "b", src, &canned{size: 1})
	c.setDown("b", true)
	if got := read(t, c.nodes["a"], "k", 0, -1); got != content(0, 5000) || src.fetches != 1 {
		t.Errorf("%d bytes by %d fetches", len(got), src.fetches)
	}
	if rec := find(c.nodes["a"], "k", nil); rec == nil || rec.owned() {
		t.Errorf("%+v is stored, as if this node owned it", rec)
	}
}

// TestNobodyAsksOn: a node that is asked for what it doesn't own says so, and asks nobody.
func TestNobodyAsksOn(t *testing.T) {
	c := openCluster(t, "b", &canned{size: 100 << 10, rangeable: true}, &canned{}, &canned{})
	rec := answer(100<<10, nil).Record
	rec.Version, rec.Rangeable = "v", true
	v := c.nodes["c"].Server()
	if _, _, err := v.Lookup(t.Context(), &LookupRequest{Request: Request{Key: "k"}}); err != ErrNotOwner {
		t.Errorf("Lookup: %v", err)
	}
	if _, err := v.Read(t.Context(), &ReadRequest{Key: "k", Record: sent(rec), End: 10,
		Position: c.nodes["c"].Position()}); err != ErrNotOwner {
		t.Errorf("Read: %v", err)
	}
	if _, err := v.Read(t.Context(), &ReadRequest{Key: "k", Record: sent(rec), Off: 64 << 10,
		End: 100 << 10, TakesOver: true, Position: c.nodes["c"].Position()}); err != ErrNotOwner {
		t.Errorf("taking over: %v", err)
	}
	if _, err := v.Answer(&ChunkRequest{"place.0.v.0", nil}); err != ErrNotOwner {
		t.Errorf("Chunk: %v", err)
	}
	rec = sent(answer(4, nil).Record)
	rec.Key = "k"
	if _, err := v.Answer(&PutRequest{rec, []byte("nuts"), nil}); err != ErrBusy {
		t.Errorf("Put: %v", err)
	}
	if calls := c.asked(); len(calls) > 0 {
		t.Errorf("asked on: %q", calls)
	}
}

// TestInvalidationsReachAllNodes: each is told once, and after that none has anything.
func TestInvalidationsReachAllNodes(t *testing.T) {
	c := openCluster(t, "c", &canned{size: 5000}, &canned{size: 5000}, &canned{size: 5000})
	for _, s := range c.nodes {
		read(t, s, "k", 0, -1)
	}
	c.asked()
	before := c.nodes["a"].Moment()
	after, current := c.nodes["a"].Invalidate([]string{"k"}, nil, nil, before)
	if calls := c.asked(); !slices.Equal(calls, []string{"b Invalidate: a", "c Invalidate: a"}) {
		t.Errorf("%q", calls)
	}
	if before == after || after != c.nodes["a"].Moment() || !current {
		t.Errorf("from %v to %v, current before: %t", before, after, current)
	}
	for name, s := range c.nodes {
		if rec := find(s, "k", nil); rec != nil {
			t.Errorf("%s has %+v", name, rec)
		}
	}
}

// TestGroupsAreInvalidatedOnAllNodes: by one message to each of the others.
func TestGroupsAreInvalidatedOnAllNodes(t *testing.T) {
	grouped := func() Source {
		return &scripted{fetch: func(context.Context, *Request) *OriginResponse {
			f := answer(100, text(content(0, 100)))
			f.Record.Groups = []string{"g"}
			return f
		}}
	}
	c := openCluster(t, "b", grouped(), grouped())
	read(t, c.nodes["a"], "k", 0, -1)
	if c.asked(); find(c.nodes["a"], "k", nil) == nil || find(c.nodes["b"], "k", nil) == nil {
		t.Fatal("both nodes must have it")
	}
	c.nodes["a"].Purge(&Purge{Groups: []string{"g"}})
	if calls := c.asked(); !slices.Equal(calls, []string{"b Invalidate: a"}) {
		t.Errorf("%q", calls)
	}
	if find(c.nodes["a"], "k", nil) != nil || find(c.nodes["b"], "k", nil) != nil {
		t.Error("a member of the group is still there")
	}
}

// TestInvalidatedOnItsWay: what was asked for before an invalidation is stored by no node after it,
// nor given to one who asks after it.
func TestInvalidatedOnItsWay(t *testing.T) {
	for _, askAgain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			src := &canned{size: 5000, wait: make(chan struct{})}
			c := openCluster(t, "b", &canned{}, src)
			a, b := c.nodes["a"], c.nodes["b"]
			asked := []<-chan came{ask(t, a, Request{Key: "k", Whole: true}, nil)}
			a.Remove([]string{"k"})
			if askAgain {
				asked = append(asked, ask(t, a, Request{Key: "k", Whole: true}, nil))
			}
			close(src.wait)
			for _, done := range asked {
				if got := <-done; got.err != nil {
					t.Error(got.err)
				}
			}
			if src.fetches != len(asked) {
				t.Errorf("%d fetches for requests before and after", src.fetches)
			}
			if !askAgain && (find(a, "k", nil) != nil || find(b, "k", nil) != nil) {
				t.Error("stored")
			}
			c.close()
		})
	}
}

// TestCopiesOfWhatVariesAreDropped: a resource that turns out to vary has no copies any more that
// were made when it didn't.
func TestCopiesOfWhatVariesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var vary []string
		owner := &scripted{fetch: func(_ context.Context, req *Request) *OriginResponse {
			f := answer(100, text(content(0, 100)))
			f.Record.Vary, f.Record.Variant = vary, httpcache.Selecting(vary, req.Header)
			return f
		}}
		c := openCluster(t, "b", &canned{}, owner)
		read(t, c.nodes["a"], "k", 0, -1)
		if find(c.nodes["a"], "k", http.Header{}) == nil {
			t.Fatal("no copy")
		}
		vary = []string{"Accept"}
		old := find(c.nodes["b"], "k", http.Header{})
		if got := <-ask(t, c.nodes["b"], Request{Key: "k",
			Fields: Fields{Header: http.Header{"Accept": {"x"}}}, Whole: true},
			old); got.err != nil {
			t.Fatal(got.err)
		}
		synctest.Wait()
		if rec := find(c.nodes["a"], "k", http.Header{"Accept": {"x"}}); rec != nil {
			t.Errorf("%+v", rec)
		}
		c.close()
	})
}

// TestRelayGoesOnAtTheOrigin: where the owner is lost in the middle of a body that can be asked for
// again, the reader gets the rest all the same.
func TestRelayGoesOnAtTheOrigin(t *testing.T) {
	const size = 60 << 10
	near := &canned{size: size, rangeable: true}
	c := openCluster(t, "b", near, &canned{size: size, rangeable: true})
	s := c.nodes["a"]
	res, err := s.Fetch(t.Context(), &Request{Key: "k"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var rd Reader
	s.ReaderFrom(&rd, &Fields{}, res, 0, -1)
	var got strings.Builder
	for got.Len() < 2<<10 {
		b, err := rd.Next(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(b)
	}
	if rd.Source() != "peer" {
		t.Errorf("the first bytes came from %s", rd.Source())
	}
	c.setDown("b", true)
	got.WriteString(readAll(t, &rd))
	if got.String() != content(0, size) {
		t.Errorf("%d of %d bytes, or wrong ones", got.Len(), size)
	}
	if near.opened() == 0 {
		t.Error("the owner was lost, and the origin wasn't asked")
	}
}

// TestSlabsHaveOwners: of a large file each node asks the origin for the slabs that it owns, and
// none for any other.
func TestSlabsHaveOwners(t *testing.T) {
	const slab, size = 64 << 10, 3*(64<<10) + 777
	sources := []*canned{{size: size, rangeable: true}, {size: size, rangeable: true}, {size: size,
		rangeable: true}}
	c := openCluster(t, "", sources[0], sources[1], sources[2])
	c.owner = func(routingKey string) string {
		return string("abca"[routingKey[len(routingKey)-1]-'0'])
	}
	rec := func(s *Store) *Record {
		res, err := s.Fetch(t.Context(), &Request{Key: "k"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Close()
		return res.Record
	}
	s := c.nodes["c"]
	stored := rec(s)
	for n := range int64(4) {
		var rd Reader
		start := n*slab + 100
		s.Reader(&rd, &Fields{}, stored, start, start+500)
		if got := readAll(t, &rd); got != content(start, start+500) {
			t.Errorf("slab %d: %d wrong bytes", n, len(got))
		}
	}
	for i, own := range [][]int64{{0, 3}, {1}, {2}} {
		for _, opened := range sources[i].opens {
			var off int64
			if _, err := fmt.Sscanf(opened, "%d-", &off); err != nil || !slices.Contains(own,
				off/slab) {
				t.Errorf("node %c has asked for %s", 'a'+i, opened)
			}
		}
	}
	if len(sources[1].opens) != 1 || len(sources[2].opens) != 1 {
		t.Errorf("asked for %q and %q", sources[1].opens, sources[2].opens)
	}
}

// TestRefusalThatComesMeanwhile: a node reads for a peer a slab that it owns, and learns before it
// has asked the origin that this refuses to give parts. Then the first slab's owner has all of the
// content, and this node doesn't ask for all of it as well.
func TestRefusalThatComesMeanwhile(t *testing.T) {
	const slab, size = 64 << 10, 100 << 10
	src := &canned{size: size, rangeable: true}
	c := openCluster(t, "", &canned{}, src)
	c.owner = func(routingKey string) string { return string("ab"[routingKey[len(routingKey)-1]-'0']) }
	rec := answer(size, nil).Record
	rec.Key, rec.Version, rec.Rangeable, rec.Resumable = "k", "v", true, true
	b := c.nodes["b"]
	var rd Reader
	b.Reader(&rd, &Fields{}, rec, slab, size)
	defer rd.Close()
	rd.localOnly = true
	b.refusals.note(b.keyPrefixOf(rec))
	if err := rd.Ready(t.Context()); !errors.Is(err, ErrRefused) || len(src.opens) > 0 {
		t.Errorf("%v, and the origin was asked for %q", err, src.opens)
	}
}

// openFragment opens a cluster of a and b, the owner, which holds the bytes [from, to) of a content
// as a fragment. It returns a's record, and how often b's origin has been asked for more.
func openFragment(t *testing.T, from, to int64) (c *fakeCluster, rec *Record, opens *int) {
	t.Helper()
	const size = 60 << 10
	opens = new(int)
	owner := &scripted{length: size, fetch: func(context.Context, *Request) *OriginResponse {
		f := answer(size, text(content(from, to)))
		f.Record.Rangeable, f.Record.Resumable, f.Validator = true, true, "1"
		f.From, f.To = from, to
		return f
	}}
	owner.open = func(off, end int64) fill.Body { *opens++; return text(content(off, end)) }
	c = openCluster(t, "b", &canned{}, owner)
	if got := <-ask(t, c.nodes["b"], Request{Key: "k", Ranged: true}, nil); got.err != nil {
		t.Fatal(got.err)
	}
	synctest.Wait()
	got := <-ask(t, c.nodes["a"], Request{Key: "k"}, nil)
	if got.err != nil || !got.res.Record.Fragments {
		t.Fatalf("%+v, %v", got.res, got.err)
	}
	got.res.Close()
	return c, got.res.Record, opens
}

// TestFragmentsAreGivenToOthers: of a content of which the owner holds a part that is no whole
// chunk, another node gets that part, and the origin isn't asked for it again.
func TestFragmentsAreGivenToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const from, to = 1500, 1800
		c, rec, opens := openFragment(t, from, to)
		s := c.nodes["a"]
		var rd Reader
		s.Reader(&rd, &Fields{}, rec, from+10, to)
		if got := readAll(t, &rd); got != content(from+10, to) || *opens > 0 {
			t.Errorf("%d bytes, and the origin was asked %d times", len(got), *opens)
		}
		if calls := c.asked(); !slices.Contains(calls, "b Fragment: a") {
			t.Errorf("%q", calls)
		}
		c.close()
	})
}

// TestPutIsStoredAtItsOwner: unless its key has been invalidated since then.
func TestPutIsStoredAtItsOwner(t *testing.T) {
	c := openCluster(t, "b", &canned{}, &canned{})
	put := func(then Moment) {
		rec := answer(4, nil).Record
		rec.Key = "k"
		c.nodes["a"].Put(rec, []byte("nuts"), then)
	}
	then := c.nodes["a"].Moment()
	c.nodes["a"].Remove([]string{"k"})
	if put(then); find(c.nodes["b"], "k", nil) != nil {
		t.Error("stored, although its key had been invalidated")
	}
	if put(c.nodes["a"].Moment()); find(c.nodes["b"], "k", nil) == nil || find(c.nodes["a"], "k",
		nil) != nil {
		t.Error("not stored at its owner alone")
	}
	if got := read(t, c.nodes["b"], "k", 0, -1); got != "nuts" {
		t.Errorf("%q", got)
	}
}

// TestInspectKeepsNothing: what an owner has can be looked at without a copy.
func TestInspectKeepsNothing(t *testing.T) {
	c := openCluster(t, "b", &canned{}, &canned{size: 100})
	a := c.nodes["a"]
	if rec, err := a.Inspect(t.Context(), &Request{Key: "k"}); rec != nil || err != nil {
		t.Errorf("of nothing: %+v, %v", rec, err)
	}
	read(t, c.nodes["b"], "k", 0, -1)
	rec, err := a.Inspect(t.Context(), &Request{Key: "k"})
	if err != nil || rec == nil || rec.Key != "k" || rec.owned() || find(a, "k", nil) != nil {
		t.Errorf("%+v, %v", rec, err)
	}
	c.setDown("b", true)
	if rec, err := a.Inspect(t.Context(), &Request{Key: "k"}); rec != nil || err != errDown {
		t.Errorf("of one that is down: %+v, %v", rec, err)
	}
}
