package exchange

import (
	"context"
	"errors"
	"sync"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// Invalidate is store.Remote's.
func (x *Exchange) Invalidate(entries []invalidation.Entry, keys []string) {
	message := codec.AppendTexts([]byte{reqInvalidate}, keys)
	message = invalidation.AppendEntries(message, entries)
	var told sync.WaitGroup
	for _, p := range x.node.Peers() {
		told.Go(func() { x.tell(p, message) })
	}
	told.Wait()
}

// tell tells p of entries. If p has missed earlier ones, it learns them too.
func (x *Exchange) tell(p *peer.Peer, message []byte) {
	err := x.notify(p, message)
	if errors.Is(err, store.ErrBehind) {
		err = x.share(p)
	}
	if err != nil {
		x.keepSharing(p)
	}
}

func (x *Exchange) serveInvalidate(c *wire.Call, d *codec.Decoder) {
	keys := d.Texts()
	if d.Bad {
		x.refuse(c, store.ErrBusy)
		return
	}
	entries, rest, err := invalidation.DecodeEntries(d.Rest())
	if err != nil || len(rest) > 0 {
		x.refuse(c, store.ErrBusy)
		return
	}
	x.done(c, x.server.Invalidate(entries, keys))
}

// Varies is store.Remote's. A node that can't be told has its copies for a lease.
func (x *Exchange) Varies(key string) {
	message := codec.AppendText([]byte{reqVaries}, key)
	var told sync.WaitGroup
	for _, p := range x.node.Peers() {
		told.Go(func() { _ = x.notify(p, message) })
	}
	told.Wait()
}

func (x *Exchange) serveVaries(c *wire.Call, d *codec.Decoder) {
	key := d.Text()
	if d.Bad {
		x.refuse(c, store.ErrBusy)
		return
	}
	x.done(c, x.server.Varies(key))
}

// Put is store.Remote's.
func (x *Exchange) Put(
	ctx context.Context, node string, rec *store.Record, body []byte, position *invalidation.Position,
) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	message := codec.AppendTexts([]byte{reqPut}, []string{rec.Key, string(rec.Encode(x.now()))})
	message = appendPosition(codec.AppendText(message, string(body)), position)
	_, _, err := x.ask(ctx, node, message)
	return x.caughtUp(node, err)
}

func (x *Exchange) servePut(c *wire.Call, d *codec.Decoder) {
	names, body, position := d.Texts(), d.Text(), decodePosition(d)
	if d.Bad || len(names) != 2 {
		x.refuse(c, store.ErrBusy)
		return
	}
	rec, err := store.Decode([]byte(names[1]), x.now())
	if err == nil {
		err = x.server.Put(names[0], rec, []byte(body), position)
	}
	x.done(c, err)
}
