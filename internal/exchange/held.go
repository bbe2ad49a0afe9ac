package exchange

import (
	"context"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

type chunkRequest struct {
	key      string
	position *invalidation.Position
}

func (q *chunkRequest) code(c *codec.Coder) {
	c.Text(&q.key)
	invalidation.CodePosition(c, &q.position)
}

// Chunk is store.Remote's.
func (x *Exchange) Chunk(ctx context.Context, node, key string, position *invalidation.Position) (
	[]byte, error,
) {
	return x.ask(ctx, node, outgoing{kind: reqChunk, request: &chunkRequest{key, position}})
}

func (q *chunkRequest) serve(x *Exchange, _ *wire.Call) (r response, err error) {
	r.value, err = x.server.Chunk(q.key, q.position)
	return r, err
}

type fragmentRequest struct {
	rec      *store.Record
	off      int64
	position *invalidation.Position
}

func (q *fragmentRequest) code(c *codec.Coder) {
	version(c, &q.rec)
	codec.Int(c, &q.off)
	invalidation.CodePosition(c, &q.position)
}

// Fragment is store.Remote's.
func (x *Exchange) Fragment(
	ctx context.Context, node string, rec *store.Record, off int64, position *invalidation.Position,
) ([]byte, error) {
	q := &fragmentRequest{rec, off, position}
	return x.ask(ctx, node, outgoing{kind: reqFragment, request: q})
}

func (q *fragmentRequest) serve(x *Exchange, _ *wire.Call) (r response, err error) {
	r.value, err = x.server.Fragment(q.rec, q.off, q.position)
	return r, err
}

type foreseeRequest struct {
	rec   *store.Record
	parts []chunk.Span
}

func (q *foreseeRequest) code(c *codec.Coder) {
	version(c, &q.rec)
	c.Flags(&q.rec.Fragments)
	codec.Int(c, &q.rec.Length)
	for part := range codec.Each(c, &q.parts) {
		codec.Int(c, &part.Start)
		codec.Int(c, &part.End)
	}
}

// Foresee is store.Remote's.
func (x *Exchange) Foresee(
	ctx context.Context, node string, rec *store.Record, parts []chunk.Span,
) (store.Asked, error) {
	var r partReply
	q := &foreseeRequest{rec, parts}
	_, err := x.ask(ctx, node, outgoing{kind: reqForesee, request: q, reply: &r})
	return r.asked, err
}

func (q *foreseeRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	asked, err := x.server.Foresee(q.rec, q.parts)
	return response{reply: &partReply{asked: asked}}, err
}
