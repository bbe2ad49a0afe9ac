package exchange

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// exchangeLogs has this node learn the invalidations that the other one knows, and then the other
// one those that this one knows. ask sends a request and returns the reply.
func (x *Exchange) exchangeLogs(ask func(message []byte) ([]byte, error)) error {
	reply, err := ask(append([]byte{reqPull}, x.store.PullRequest()...))
	if err != nil {
		return err
	}
	d := &codec.Decoder{B: reply}
	kind, theirs, request := d.Byte(), d.Text(), d.Text()
	if kind != respOK || d.Bad {
		return store.ErrEncoding
	}
	if err := x.store.Merge([]byte(theirs)); err != nil {
		return err
	}
	ours, err := x.store.PullReply([]byte(request))
	if err != nil {
		return err
	}
	reply, err = ask(append([]byte{reqTake}, ours...))
	if err == nil && (len(reply) == 0 || reply[0] != respOK) {
		return store.ErrEncoding
	}
	return err
}

func (x *Exchange) servePull(c *wire.Call, d *codec.Decoder) {
	ours, err := x.store.PullReply(d.Rest())
	if err != nil {
		x.refuse(c, store.ErrBusy)
		return
	}
	b := codec.AppendText([]byte{respOK}, string(ours))
	reply(c, codec.AppendText(b, string(x.store.PullRequest())), nil)
}

func (x *Exchange) serveTake(c *wire.Call, d *codec.Decoder) { x.done(c, x.store.Merge(d.Rest())) }

// share exchanges logs with p, with which there is contact.
func (x *Exchange) share(p *peer.Peer) error {
	ctx, cancel := context.WithTimeout(x.base, notifyTimeout)
	defer cancel()
	return x.exchangeLogs(func(message []byte) ([]byte, error) {
		stream, err := p.Open(ctx, message)
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		reply, _, err := stream.Next()
		return reply, err
	})
}

// shareWith is share with the node of that name.
func (x *Exchange) shareWith(node string) error {
	if p := x.node.Peer(node); p != nil {
		return x.share(p)
	}
	return peer.ErrUnreachable
}

// caughtUp returns err, after an exchange of logs with the node that has answered with it, if that
// is what it takes.
func (x *Exchange) caughtUp(node string, err error) error {
	if errors.Is(err, store.ErrBehind) {
		_ = x.shareWith(node)
	}
	return err
}

// Share is store.Remote's.
func (x *Exchange) Share() {
	for _, p := range x.node.Peers() {
		x.keepSharing(p)
	}
}

// appendPosition appends what decodePosition takes out.
func appendPosition(b []byte, p *invalidation.Position) []byte {
	if p == nil {
		p = nowhere
	}
	return p.Append(b)
}

// nowhere is the position of one who knows nothing.
var nowhere, _, _ = invalidation.DecodePosition([]byte{0, 0})

func decodePosition(d *codec.Decoder) *invalidation.Position {
	p, rest, err := invalidation.DecodePosition(d.B)
	if err != nil {
		d.Bad = true
		return nowhere
	}
	d.B = rest
	return p
}
