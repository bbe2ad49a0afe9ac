package exchange

import (
	"context"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// Exchange is a node's dealings with the others: the Remote of its Store. Its methods may be called
// concurrently.
type Exchange struct {
	wording
	node   *peer.Node
	store  *store.Store
	server *store.Server
	base   context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // what is told to others
	calls  sync.Map       // the Cause of each read that is being answered, by its call
	untold untold
}

// Owner is store.Remote's.
func (x *Exchange) Owner(routingKey string) (node string, here bool) {
	return x.node.OwnerName(routingKey)
}

// RingEpoch is store.Remote's.
func (x *Exchange) RingEpoch() uint64 { return x.node.RingEpoch() }

// OwnedSince is store.Remote's.
func (x *Exchange) OwnedSince(routingKey string, epoch uint64) bool {
	return x.node.OwnedSince(routingKey, epoch)
}

// open sends a node a request. The response must be closed.
func (x *Exchange) open(ctx context.Context, node string, message []byte, window int) (
	*peer.Stream, error,
) {
	p := x.node.Peer(node)
	if p == nil {
		return nil, peer.ErrUnreachable
	}
	return p.OpenWindow(ctx, message, window)
}

// ask sends a node a request whose response is one reply, and returns that.
func (x *Exchange) ask(ctx context.Context, node string, message []byte) (
	d *codec.Decoder, value []byte, err error,
) {
	stream, err := x.open(ctx, node, message, 0)
	if err != nil {
		return nil, nil, err
	}
	defer stream.Close()
	return x.await(stream, nil)
}

// await waits for a reply that isn't interim, and returns what one with respOK brings; any other is
// an error.
func (x *Exchange) await(stream *peer.Stream, inform informer) (*codec.Decoder, []byte, error) {
	for {
		message, value, err := stream.Next()
		if err != nil {
			return nil, nil, err
		}
		d := &codec.Decoder{B: message}
		switch kind := d.Byte(); kind {
		case respOK:
			return d, value, nil
		case respInterim:
			inform.take(d)
		default:
			return nil, nil, x.decodeError(kind, d)
		}
	}
}

// notifyTimeout is how long another node is waited for that is to be told of something.
const notifyTimeout = time.Second

// notify tells p something, and waits until it has taken that in.
func (x *Exchange) notify(p *peer.Peer, message []byte) error {
	ctx, cancel := context.WithTimeout(x.base, notifyTimeout)
	defer cancel()
	stream, err := p.Open(ctx, message)
	if err != nil {
		return err
	}
	defer stream.Close()
	_, _, err = x.await(stream, nil)
	return err
}

// reply sends a reply that nothing follows. If it can't, nobody is there to be told.
func reply(c *wire.Call, message, value []byte) { _ = c.Respond(message, value) }

// done replies that what was asked for has been done, or err.
func (x *Exchange) done(c *wire.Call, err error) {
	if err != nil {
		x.refuse(c, err)
		return
	}
	reply(c, []byte{respOK}, nil)
}

func (x *Exchange) refuse(c *wire.Call, err error) { reply(c, x.encodeError(err), nil) }
