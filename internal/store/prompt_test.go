package store

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// deafRemote is a Remote of which the other nodes take requests and never answer, once deaf is set.
type deafRemote struct {
	Remote
	deaf bool
}

func (r *deafRemote) Lookup(ctx context.Context, node string, q *LookupRequest) (
	*LookupResult, error,
) {
	if r.deaf {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return r.Remote.Lookup(ctx, node, q)
}

func (r *deafRemote) Ask(ctx context.Context, node string, m Message) ([]byte, error) {
	if r.deaf {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return r.Remote.Ask(ctx, node, m)
}

// TestDeafOwnerIsGivenUp: one who asks an owner for what that has stored, as the fast lane does,
// and gets no answer, waits a limited time, be it for the record or for a chunk. A client has the
// bytes in another way then.
func TestDeafOwnerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 20 << 10
		c := openCluster(t, "b", &canned{size: size}, &canned{size: size})
		defer c.close()
		a := c.nodes["a"]
		deaf := &deafRemote{Remote: a.cfg.Remote}
		a.cfg.Remote = deaf
		read(t, c.nodes["b"], "k", 0, -1)
		peek := func() *Result { return a.Peek(context.Background(), &Request{Key: "k"}) }
		waits := func(what string, ask func() (answered bool)) {
			t.Helper()
			deaf.deaf = true
			began := time.Now()
			if ask() {
				t.Errorf("%s: it is answered", what)
			}
			if took := time.Since(began); took > promptTimeout {
				t.Errorf("%s: it is waited for for %v", what, took)
			}
			deaf.deaf = false
		}
		waits("record", func() bool { return peek() != nil })
		res := peek()
		if res == nil {
			t.Fatal("the owner isn't asked any more")
		}
		defer res.Close()
		var rd Reader
		a.ReaderFrom(&rd, new(Fields), res, 0, 1000)
		waits("chunk", func() bool { return rd.Held(true) })
		if got := readAll(t, &rd); got != content(0, 1000) {
			t.Errorf("%d bytes", len(got))
		}
	})
}

// TestDeafOwnerOfAFragment: a fragment isn't waited for any longer than a chunk.
func TestDeafOwnerOfAFragment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const from, to = 1500, 1800
		c, rec, _ := openFragment(t, from, to)
		defer c.close()
		a := c.nodes["a"]
		a.cfg.Remote = &deafRemote{Remote: a.cfg.Remote, deaf: true}
		var rd Reader
		a.Reader(&rd, &Fields{}, rec, from, to)
		began := time.Now()
		if got := readAll(t, &rd); got != content(from, to) {
			t.Errorf("%d bytes", len(got))
		}
		if took := time.Since(began); took > 4*promptTimeout { // for a chunk and a fragment, twice
			t.Errorf("the owner is waited for for %v", took)
		}
	})
}

// unended is a content that others read, who are slow: it hasn't ended.
type unended struct {
	Content
	asked bool // the owner, what it has asked the origin for
}

func (*unended) Over() bool { return false }

func (u *unended) OriginAsked(context.Context) bool {
	u.asked = true
	return true
}

func (*unended) End() (http.Header, Asked, bool) { select {} }

// TestSettleDoesntWaitForOthers: a reader that has left what an owner sends, and has got the bytes
// elsewhere, doesn't wait until others have read them.
func TestSettleDoesntWaitForOthers(t *testing.T) {
	const end = 100
	content, by := &unended{}, &Fields{Cause: Cause{Asked: new(atomic.Bool)}}
	rd := &Reader{by: by, rec: &Record{}, pos: end, end: end,
		sent: []*relayed{{Content: content, cause: by.Cause, end: end}}}
	synctest.Test(t, func(t *testing.T) {
		if rd.Settle(t.Context(), nil); !content.asked || !by.Noted() {
			t.Error("the owner isn't asked what the bytes have cost")
		}
	})
}
