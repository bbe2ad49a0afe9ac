package exchange

import (
	"context"
	"sync"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// Invalidate is store.Remote's.
func (x *Exchange) Invalidate(keys, groups []string, chosen func(node string) bool) {
	message := codec.AppendTexts(codec.AppendTexts([]byte{reqInvalidate}, keys), groups)
	peers := x.node.Peers()
	x.missed.queueForAbsent(peers)
	var told sync.WaitGroup
	for _, p := range peers {
		if !chosen(p.Name()) {
			continue
		}
		told.Go(func() {
			if x.notify(p, message) != nil {
				x.queueHint(p)
			}
		})
	}
	told.Wait()
}

func (x *Exchange) serveInvalidate(c *wire.Call, d *codec.Decoder) {
	keys, groups := d.Texts(), d.Texts()
	if d.Bad {
		x.refuse(c, store.ErrBusy)
		return
	}
	x.server.Invalidate(keys, groups)
	x.done(c, nil)
}

func (x *Exchange) serveRevalidateAll(c *wire.Call, _ *codec.Decoder) {
	x.store.RevalidateAll()
	x.done(c, nil)
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
func (x *Exchange) Put(ctx context.Context, node string, rec *store.Record, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	message := codec.AppendTexts([]byte{reqPut}, []string{rec.Key, string(rec.Encode(x.now()))})
	_, _, err := x.ask(ctx, node, codec.AppendText(message, string(body)))
	return err
}

func (x *Exchange) servePut(c *wire.Call, d *codec.Decoder) {
	names, body := d.Texts(), d.Text()
	if d.Bad || len(names) != 2 {
		x.refuse(c, store.ErrBusy)
		return
	}
	rec, err := store.Decode([]byte(names[1]), x.now())
	if err == nil {
		err = x.server.Put(names[0], rec, []byte(body))
	}
	x.done(c, err)
}
