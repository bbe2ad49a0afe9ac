package exchange

import (
	"context"
	"math/rand/v2"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

type readRequest struct {
	store.ReadRequest
	call uint64 // names this very request
}

func (q *readRequest) Code(c *codec.Coder) {
	fields(c, &q.By)
	c.Text(&q.Key)
	codec.Int(c, &q.Off)
	codec.Int(c, &q.End)
	codec.Int(c, &q.call)
	c.Flags(&q.Whole, &q.Undivided, &q.TakesOver)
	invalidation.CodePosition(c, &q.Position)
	store.CodeRecord(c, &q.Record)
}

// partReply is what is known of a part of a content.
type partReply struct {
	length int64       // of the whole content, if it is read
	asked  store.Asked // whether the origin is to be asked for some of the part
}

func (r *partReply) Code(c *codec.Coder) {
	codec.Int(c, &r.length)
	asked(c, &r.asked)
}

// Read is store.Remote's.
func (x *Exchange) Read(ctx context.Context, node string, q *store.ReadRequest) (
	*store.ReadResult, error,
) {
	var found partReply
	sent := &readRequest{*q, rand.Uint64()}
	sent.By.Span = call(q.By.Span, "peer read", node)
	out := outgoing{
		request: sent, reply: &found, cause: q.By.Cause, span: sent.By.Span,
		window: q.Window, call: sent.call,
	}
	if q.Warm {
		out.request = &warmReadRequest{*sent}
	}
	content, _, err := x.open(ctx, node, out)
	if err != nil {
		return nil, err
	}
	if q.TakesOver || q.Warm {
		_ = content.Close()
		return &store.ReadResult{}, nil
	}
	return &store.ReadResult{Content: content, Length: found.length, Foreseen: found.asked}, nil
}

func (q *readRequest) serve(x *Exchange, c *wire.Call) (response, error) {
	q.By.Span = x.tracer.Serve("peer read", q.By.Span)
	x.calls.Store(q.call, q.By.Cause)
	context.AfterFunc(c.Context(), func() { x.calls.Delete(q.call) })
	r := response{cause: q.By.Cause, span: q.By.Span, reply: &partReply{}}
	sending, err := x.server.Read(c.Context(), &q.ReadRequest)
	if sending != nil {
		r.content = sending
		r.reply = &partReply{sending.Length(), sending.Foresee(c.Context())}
	}
	return r, err
}

type originAskedRequest struct{ call uint64 }

func (q *originAskedRequest) Code(c *codec.Coder) { codec.Int(c, &q.call) }

// OriginAsked is store.Content's.
func (b *content) OriginAsked(ctx context.Context) bool {
	if b.call == 0 { // it came with a record
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	cause := store.Cause{Asked: new(atomic.Bool)}
	q := outgoing{request: &originAskedRequest{b.call}, cause: cause}
	_, err := b.x.ask(ctx, b.node, q)
	return err == nil && cause.Noted()
}

// serve answers for a call that has ended as for one that the origin wasn't asked for: the end of
// its answer, which has been sent before, tells.
func (q *originAskedRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	call, _ := x.calls.Load(q.call)
	cause, _ := call.(store.Cause)
	return response{cause: cause}, nil
}
