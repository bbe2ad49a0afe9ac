package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// deafRemote is a Remote of which the other nodes take requests and never answer, once deaf is set.
type deafRemote struct {
	Remote
	deaf bool
}

func (r *deafRemote) Lookup(ctx context.Context, node string, q *LookupRequest) (*LookupResult, error) {
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

// TestDeafOwnerIsGivenUp: one who asks an owner for what that has stored, as the fast lane does, and
// gets no answer, waits a limited time, be it for the record or for a chunk. A client has the bytes
// in another way then.
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
