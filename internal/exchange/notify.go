package exchange

import (
	"context"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// notifyTimeout is how long another node is waited for that is to be told of something.
const notifyTimeout = time.Second

// tellAll tells all nodes something. For each of them it calls done, concurrently, with the error
// if there is one.
func (x *Exchange) tellAll(kind byte, m message, done func(node string, err error)) {
	var told sync.WaitGroup
	for _, p := range x.node.Peers() {
		told.Go(func() {
			ctx, cancel := context.WithTimeout(x.base, notifyTimeout)
			defer cancel()
			_, err := x.ask(ctx, p.Name(), outgoing{kind: kind, request: m})
			done(p.Name(), err)
		})
	}
	told.Wait()
}

type invalidateRequest struct {
	keys    []string
	entries []invalidation.Entry
}

func (q *invalidateRequest) code(c *codec.Coder) {
	c.Texts(&q.keys)
	invalidation.CodeEntries(c, &q.entries)
}

// Invalidate is store.Remote's. A node that has missed earlier entries learns them too.
func (x *Exchange) Invalidate(entries []invalidation.Entry, keys []string) {
	x.tellAll(reqInvalidate, &invalidateRequest{keys, entries}, func(node string, err error) {
		if err != nil && err != store.ErrBehind { // then it has caught up
			x.keepSharing(node)
		}
	})
}

func (q *invalidateRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	return response{}, x.server.Invalidate(q.entries, q.keys)
}

type variesRequest struct{ key string }

func (q *variesRequest) code(c *codec.Coder) { c.Text(&q.key) }

// Varies is store.Remote's. A node that can't be told has its copies for a lease.
func (x *Exchange) Varies(key string) {
	x.tellAll(reqVaries, &variesRequest{key}, func(string, error) {})
}

func (q *variesRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	return response{}, x.server.Varies(q.key)
}

type putRequest struct {
	key, body string
	position  *invalidation.Position
	rec       *store.Record
}

func (q *putRequest) code(c *codec.Coder) {
	c.Text(&q.key)
	c.Text(&q.body)
	invalidation.CodePosition(c, &q.position)
	store.CodeRecord(c, &q.rec)
}

// Put is store.Remote's.
func (x *Exchange) Put(
	ctx context.Context, node string, rec *store.Record, body []byte,
	position *invalidation.Position,
) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	q := &putRequest{rec.Key, string(body), position, rec}
	_, err := x.ask(ctx, node, outgoing{kind: reqPut, request: q})
	return err
}

func (q *putRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	return response{}, x.server.Put(q.key, q.rec, []byte(q.body), q.position)
}
