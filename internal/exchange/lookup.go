package exchange

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// Lookup is store.Remote's. If one of the two nodes turns out to have missed invalidations, they
// exchange their logs first.
func (x *Exchange) Lookup(ctx context.Context, node string, q *store.LookupRequest) (
	*store.LookupResult, error,
) {
	found, err := x.lookup(ctx, node, q)
	if errors.Is(err, store.ErrBehind) && x.shareWith(node) == nil {
		found, err = x.lookup(ctx, node, q)
	}
	return found, err
}

func (x *Exchange) lookup(ctx context.Context, node string, q *store.LookupRequest) (
	*store.LookupResult, error,
) {
	stream, err := x.open(ctx, node, encodeLookup(q), q.Window)
	if err != nil {
		return nil, err
	}
	d, _, err := x.await(stream, q.Inform)
	if err != nil {
		_ = stream.Close()
		x.disagreed(node, err)
		return nil, learn(q.Cause, err)
	}
	head, err := decodeFound(d.Rest(), x.now())
	if err != nil || !head.content {
		_ = stream.Close()
	}
	if err != nil {
		return nil, err
	}
	if head.asked {
		q.Note()
	}
	if x.store.Behind(head.position) { // from now on this node would know no better than the other
		_ = x.shareWith(node)
	}
	if head.content {
		head.Content = &content{Stream: stream, x: x, node: node, cause: q.Cause}
	}
	return &head.LookupResult, nil
}

// disagreed notes that a node says that it isn't the owner of what it was asked for.
func (x *Exchange) disagreed(node string, err error) {
	wrong, ok := errors.AsType[*notOwner](err)
	if p := x.node.Peer(node); ok && p != nil {
		p.Disagrees(wrong.ring)
	}
}

func (x *Exchange) serveLookup(c *wire.Call, d *codec.Decoder) {
	q := decodeLookup(d)
	if d.Bad {
		x.refuse(c, store.ErrBusy)
		return
	}
	position := x.store.Position()
	q.Inform = func(status int, header http.Header) {
		head := binary.AppendVarint([]byte{respInterim}, int64(status))
		_ = c.Reply(codec.AppendHeader(head, header), nil)
	}
	found, sending, err := x.server.Lookup(c.Context(), q)
	if err != nil {
		x.refuse(c, after(q.Cause, err))
		return
	}
	head := lookupReply{*found, sending != nil, q.Noted(), position}
	switch {
	case c.Reply(head.encode(x.now()), nil) != nil:
		if sending != nil {
			sending.Close()
		}
	case sending == nil:
		_ = c.End(nil)
	default:
		x.send(c, q.Cause, sending)
	}
}

func encodeLookup(q *store.LookupRequest) []byte {
	b := append(make([]byte, 0, 512), reqLookup)
	b = codec.AppendText(b, q.Key)
	b = appendBy(b, q.Fields)
	for _, s := range []string{q.Target, q.Version, q.Gone} {
		b = codec.AppendText(b, s)
	}
	b = appendPosition(binary.AppendUvarint(b, q.Revision), q.Position)
	return codec.AppendFlags(b, lookupFlags(q))
}

func lookupFlags(q *store.LookupRequest) []*bool {
	return []*bool{&q.Whole, &q.Alone, &q.Stored, &q.Ranged, &q.Background, &q.Head}
}

func decodeLookup(d *codec.Decoder) *store.LookupRequest {
	q := &store.LookupRequest{}
	q.Key = d.Text()
	q.Fields = decodeBy(d)
	for _, s := range []*string{&q.Target, &q.Version, &q.Gone} {
		*s = d.Text()
	}
	q.Revision, q.Position = d.Uvarint(), decodePosition(d)
	d.Flags(lookupFlags(q))
	return q
}

func decodeBy(d *codec.Decoder) store.Fields {
	by := store.Fields{Header: d.Header(), From: d.Header(), Proto: d.Text()}
	by.Cause = store.Cause{ID: d.Text(), Asked: new(atomic.Bool)}
	if len(by.From) == 0 {
		by.From = nil
	}
	return by
}

// lookupReply is a LookupResult as it goes to another node.
type lookupReply struct {
	store.LookupResult
	content bool // the bytes follow
	asked   bool // the owner asked the origin for the one who asks

	position *invalidation.Position // of the owner, when it began to look
}

func (f *lookupReply) flags() []*bool {
	return []*bool{&f.Found, &f.Collapsed, &f.Renewed, &f.content, &f.Stored, &f.asked}
}

func (f *lookupReply) encode(now time.Time) []byte {
	b := append(make([]byte, 0, 512), respOK)
	b = codec.AppendFlags(b, f.flags())
	b = binary.AppendVarint(b, int64(f.Status))
	b = appendPosition(append(b, byte(f.Why)), f.position)
	return append(b, f.Record.Encode(now)...)
}

func decodeFound(b []byte, now time.Time) (*lookupReply, error) {
	d, f := codec.Decoder{B: b}, &lookupReply{}
	d.Flags(f.flags())
	f.Status = int(d.Varint())
	f.Why = store.Why(d.Byte())
	f.position = decodePosition(&d)
	if d.Bad {
		return nil, store.ErrEncoding
	}
	var err error
	f.Record, err = store.Decode(d.Rest(), now)
	return f, err
}
