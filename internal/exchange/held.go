package exchange

import (
	"context"
	"encoding/binary"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// Chunk is store.Remote's.
func (x *Exchange) Chunk(ctx context.Context, node, key string, position *invalidation.Position) (
	[]byte, error,
) {
	message := appendPosition(codec.AppendText([]byte{reqChunk}, key), position)
	_, value, err := x.ask(ctx, node, message)
	return value, x.caughtUp(node, err)
}

func (x *Exchange) serveChunk(c *wire.Call, d *codec.Decoder) {
	key, position := d.Text(), decodePosition(d)
	if d.Bad {
		x.refuse(c, store.ErrNotOwner)
		return
	}
	b, err := x.server.Chunk(c.Context(), key, position)
	x.value(c, b, err)
}

// value replies with the bytes that were asked for, or err.
func (x *Exchange) value(c *wire.Call, b []byte, err error) {
	if err != nil {
		x.refuse(c, err)
		return
	}
	reply(c, []byte{respOK}, b)
}

// Fragment is store.Remote's.
func (x *Exchange) Fragment(
	ctx context.Context, node string, rec *store.Record, off int64, position *invalidation.Position,
) ([]byte, error) {
	message := codec.AppendTexts([]byte{reqFragment}, []string{rec.Key, rec.Version})
	message = appendPosition(binary.AppendVarint(message, off), position)
	_, value, err := x.ask(ctx, node, message)
	return value, x.caughtUp(node, err)
}

func (x *Exchange) serveFragment(c *wire.Call, d *codec.Decoder) {
	rec, off, position := decodeVersion(d), d.Varint(), decodePosition(d)
	if d.Bad {
		x.refuse(c, store.ErrBusy)
		return
	}
	b, err := x.server.Fragment(c.Context(), rec, off, position)
	x.value(c, b, err)
}

// decodeVersion makes a record that is no more than a name for bytes.
func decodeVersion(d *codec.Decoder) *store.Record {
	rec, names := store.NewRecord(), d.Texts()
	if len(names) != 2 {
		d.Bad = true
		return rec
	}
	rec.Key, rec.Version = names[0], names[1]
	return rec
}

// Foresee is store.Remote's.
func (x *Exchange) Foresee(ctx context.Context, node string, rec *store.Record,
	parts []chunk.Span) (
	store.Asked, error,
) {
	b := codec.AppendTexts([]byte{reqForesee}, []string{rec.Key, rec.Version})
	b = codec.AppendFlags(b, []*bool{&rec.Fragments})
	b = binary.AppendVarint(b, rec.Length)
	for _, part := range parts {
		b = binary.AppendVarint(binary.AppendVarint(b, part.Start), part.End)
	}
	d, _, err := x.ask(ctx, node, b)
	if err != nil {
		return 0, err
	}
	asked := decodeAsked(d)
	if d.Bad {
		return 0, store.ErrEncoding
	}
	return asked, nil
}

func (x *Exchange) serveForesee(c *wire.Call, d *codec.Decoder) {
	rec := decodeVersion(d)
	d.Flags([]*bool{&rec.Fragments})
	rec.Length = d.Varint()
	var parts []chunk.Span
	for len(d.B) > 0 {
		parts = append(parts, chunk.Span{Start: d.Varint(), End: d.Varint()})
	}
	if d.Bad {
		x.refuse(c, store.ErrBusy)
		return
	}
	asked, err := x.server.Foresee(c.Context(), rec, parts)
	if err != nil {
		x.refuse(c, err)
		return
	}
	reply(c, []byte{respOK, byte(asked)}, nil)
}
