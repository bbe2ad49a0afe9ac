package exchange

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// Read is store.Remote's.
func (x *Exchange) Read(ctx context.Context, node string, q *store.ReadRequest) (
	*store.ReadResult, error,
) {
	call := rand.Uint64()
	stream, err := x.open(ctx, node, x.encodeRead(reqRead, q, call), q.Window)
	if err != nil {
		return nil, err
	}
	d, _, err := x.await(stream, nil)
	if err != nil {
		_ = stream.Close()
		return nil, x.caughtUp(node, learn(q.By.Cause, err))
	}
	body := &content{Stream: stream, x: x, node: node, cause: q.By.Cause, call: call}
	return &store.ReadResult{Content: body, Length: d.Varint(), Foreseen: decodeAsked(d)}, nil
}

func (x *Exchange) serveRead(c *wire.Call, d *codec.Decoder) {
	q, call, err := x.decodeRead(d)
	if err != nil {
		x.refuse(c, err)
		return
	}
	x.calls.Store(call, q.By.Cause)
	defer x.calls.Delete(call)
	sending, err := x.server.Read(c.Context(), q)
	if err != nil {
		x.refuse(c, after(q.By.Cause, err))
		return
	}
	head := binary.AppendVarint([]byte{respOK}, sending.Length())
	if c.Reply(append(head, byte(sending.Foresee(c.Context()))), nil) != nil {
		sending.Close()
		return
	}
	x.send(c, q.By.Cause, sending)
}

// TakeOver is store.Remote's.
func (x *Exchange) TakeOver(ctx context.Context, node string, q *store.ReadRequest) error {
	d, _, err := x.ask(ctx, node, x.encodeRead(reqTakeOver, q, 0))
	if err != nil {
		return x.caughtUp(node, learn(q.By.Cause, err))
	}
	if d.Byte() != 0 {
		q.By.Note()
	}
	return nil
}

func (x *Exchange) serveTakeOver(c *wire.Call, d *codec.Decoder) {
	q, _, err := x.decodeRead(d)
	if err != nil {
		x.refuse(c, err)
		return
	}
	if err := x.server.TakeOver(c.Context(), q); err != nil {
		x.refuse(c, after(q.By.Cause, err))
		return
	}
	asked := q.By.Noted()
	reply(c, codec.AppendFlags([]byte{respOK}, []*bool{&asked}), nil)
}

// encodeRead makes a request of that kind; call names this very one.
func (x *Exchange) encodeRead(kind byte, q *store.ReadRequest, call uint64) []byte {
	rec := q.Record.Encode(x.now())
	b := append(make([]byte, 0, 512+len(q.Key)+len(rec)), kind)
	b = codec.AppendText(b, q.Key)
	b = binary.AppendVarint(b, q.Off)
	b = binary.AppendVarint(b, q.End)
	b = binary.AppendUvarint(b, call)
	b = codec.AppendFlags(b, []*bool{&q.Whole, &q.Undivided})
	b = appendPosition(appendBy(b, q.By), q.Position)
	return append(b, rec...)
}

func (x *Exchange) decodeRead(d *codec.Decoder) (q *store.ReadRequest, call uint64, err error) {
	q = &store.ReadRequest{Key: d.Text(), Off: d.Varint(), End: d.Varint()}
	call = d.Uvarint()
	d.Flags([]*bool{&q.Whole, &q.Undivided})
	q.By, q.Position = decodeBy(d), decodePosition(d)
	if d.Bad {
		return nil, 0, store.ErrBusy
	}
	if q.Record, err = store.Decode(d.Rest(), x.now()); err != nil {
		return nil, 0, store.ErrBusy
	}
	return q, call, nil
}
