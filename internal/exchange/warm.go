package exchange

import (
	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// What is asked to be warmed has kinds of its own, so that a node of an earlier version, which
// knows none of them, says that it can't.

// warmRequest is a lookupRequest whose content the owner is to hold, and not to send.
type warmRequest store.LookupRequest

func (q *warmRequest) Code(c *codec.Coder) { (*lookupRequest)(q).Code(c) }

func (q *warmRequest) serve(x *Exchange, c *wire.Call) (response, error) {
	q.Warm = true
	return (*lookupRequest)(q).serve(x, c)
}

// warmReply is the reply.
type warmReply lookupReply

func (r *warmReply) Code(c *codec.Coder) {
	(*lookupReply)(r).Code(c)
	codec.Int(c, &r.Warmed)
}

// warmReadRequest is the same of a part of a content. The reply is a readRequest's.
type warmReadRequest struct{ readRequest }

func (q *warmReadRequest) serve(x *Exchange, c *wire.Call) (response, error) {
	q.Warm = true
	return q.readRequest.serve(x, c)
}
