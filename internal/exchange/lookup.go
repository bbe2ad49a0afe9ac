package exchange

import (
	"context"
	"net/http"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

type lookupRequest store.LookupRequest

func (q *lookupRequest) Code(c *codec.Coder) {
	fields(c, &q.Fields)
	for _, s := range []*string{&q.Key, &q.Target, &q.Version, &q.Gone} {
		c.Text(s)
	}
	codec.Int(c, &q.Revision)
	invalidation.CodePosition(c, &q.Position)
	c.Flags(&q.Whole, &q.Alone, &q.Stored, &q.Ranged, &q.Background, &q.Head,
		&q.Chunk)
}

// lookupReply is a LookupResult as it goes to another node.
type lookupReply struct {
	store.LookupResult
	content  bool                   // the bytes follow
	position *invalidation.Position // of the owner, when it began to look
}

func (r *lookupReply) Code(c *codec.Coder) {
	c.Flags(&r.Found, &r.Collapsed, &r.Renewed, &r.content, &r.Stored)
	codec.Int(c, &r.Status)
	codec.Int(c, &r.Why)
	invalidation.CodePosition(c, &r.position)
	store.CodeRecord(c, &r.Record)
}

// Lookup is store.Remote's. If one of the two nodes turns out to have missed invalidations, they
// exchange their logs first.
func (x *Exchange) Lookup(ctx context.Context, node string, q *store.LookupRequest) (
	*store.LookupResult, error,
) {
	found, err := x.lookup(ctx, node, q)
	if err == store.ErrBehind { // until now
		found, err = x.lookup(ctx, node, q)
	}
	return found, err
}

func (x *Exchange) lookup(ctx context.Context, node string, q *store.LookupRequest) (
	*store.LookupResult, error,
) {
	reply := &lookupReply{}
	span := call(q.Span, "peer lookup", node)
	if span != q.Span {
		traced := *q
		q, traced.Span = &traced, span
	}
	out := outgoing{
		request: (*lookupRequest)(q), reply: reply, cause: q.Cause, span: span,
		window: q.Window, inform: q.Inform,
	}
	if q.Warm {
		out.request, out.reply = (*warmRequest)(q), (*warmReply)(reply)
	}
	content, chunk, err := x.open(ctx, node, out)
	if err != nil {
		return nil, err
	}
	reply.Chunk = chunk
	found(span, &reply.LookupResult)
	if x.store.Behind(reply.position) { // from now on this node would know no better than the other
		_ = x.share(node)
	}
	if reply.content {
		reply.Content = content
	} else {
		_ = content.Close()
	}
	return &reply.LookupResult, nil
}

func (q *lookupRequest) serve(x *Exchange, c *wire.Call) (response, error) {
	position := x.store.Position()
	q.Inform = func(status int, header http.Header) {
		_ = c.Reply(x.reply(q.Cause, respInterim, &interim{status, header}), nil)
	}
	q.Span = x.tracer.Serve("peer lookup", q.Span)
	r := response{cause: q.Cause, span: q.Span}
	res, sending, err := x.server.Lookup(c.Context(), (*store.LookupRequest)(q))
	if err == nil {
		reply := &lookupReply{*res, sending != nil, position}
		r.content, r.reply, r.value = sending, reply, res.Chunk
		if q.Warm {
			r.reply = (*warmReply)(reply)
		}
		found(q.Span, res)
	}
	return r, err
}
