package exchange

import (
	"context"
	"encoding/binary"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// originAsked asks a node whether the origin has been asked for what it is sending in answer to
// call.
func (x *Exchange) originAsked(ctx context.Context, node string, call uint64) bool {
	d, _, err := x.ask(ctx, node, binary.AppendUvarint([]byte{reqOriginAsked}, call))
	return err == nil && d.Byte() != 0
}

// serveOriginAsked answers for a call that has ended as for one that the origin wasn't asked for:
// the end of its answer, which has been sent before, tells.
func (x *Exchange) serveOriginAsked(c *wire.Call, d *codec.Decoder) {
	cause, _ := x.calls.Load(d.Uvarint())
	answering, _ := cause.(store.Cause)
	asked := answering.Noted()
	reply(c, codec.AppendFlags([]byte{respOK}, []*bool{&asked}), nil)
}
