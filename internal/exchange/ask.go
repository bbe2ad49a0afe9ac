package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
	"github.com/scurrycache/scurry/internal/wire"
)

// outgoing is a request to another node.
type outgoing struct {
	request message
	reply   message // set as the reply says; nil if that has no fields
	cause   store.Cause
	span    *trace.Span // of the request; nil if that isn't traced

	// Of a request for content:
	window int // how many bytes may be under way
	inform func(status int, header http.Header)
	call   uint64 // names this very request, if it isn't 0
}

// interim is an interim response (RFC 9110 section 15.2).
type interim struct {
	status int
	header http.Header
}

func (i *interim) Code(c *codec.Coder) {
	codec.Int(c, &i.status)
	c.Header(&i.header)
}

// content is a reply, and the bytes that another node sends behind it.
type content struct {
	*peer.Stream
	outgoing
	x    *Exchange
	node string
}

// open sends a node a request, and waits for the reply. The content must be closed, which ends the
// request's span; so does an error. If the error is
// store.ErrBehind, the two nodes have exchanged their logs by now; if it wraps that, they couldn't.
func (x *Exchange) open(ctx context.Context, node string, q outgoing) (
	b *content, value []byte, err error,
) {
	defer func() {
		if err != nil && q.span != nil {
			failed(q.span, err)
			q.span.End()
		}
	}()
	p := x.Node.Peer(node)
	if p == nil {
		return nil, nil, peer.ErrUnreachable
	}
	stream, err := p.Open(ctx, x.request(q.request), q.window)
	if err != nil {
		return nil, nil, err
	}
	b = &content{stream, q, x, node}
	value, err = b.await()
	if err == nil {
		return b, value, nil
	}
	_ = stream.Close()
	if wrong, ok := errors.AsType[*notOwner](err); ok {
		p.Disagrees(wrong.ring)
	}
	// sharing is asking, too, and mustn't be answered by itself
	if _, shares := q.request.(*logs); err == store.ErrBehind && !shares {
		if sharing := x.share(node); sharing != nil {
			err = fmt.Errorf("%w: %w", err, sharing)
		}
	}
	return nil, nil, err
}

// ask is open for a request that one reply answers.
func (x *Exchange) ask(ctx context.Context, node string, q outgoing) ([]byte, error) {
	b, value, err := x.open(ctx, node, q)
	if err == nil {
		_ = b.Close()
	}
	return value, err
}

// await waits for a reply that isn't interim, and returns its value.
func (b *content) await() ([]byte, error) {
	for {
		reply, value, err := b.Next()
		if err != nil {
			return nil, err
		}
		c, kind := b.x.reader(reply), respOK
		if begin(c, b.cause, &kind); kind != respInterim {
			return value, result(c, kind, b.reply)
		}
		b.informs(c)
	}
}

// informs passes on an interim response.
func (b *content) informs(c *codec.Coder) {
	var i interim
	i.Code(c)
	if b.inform != nil && !c.Bad && i.status >= 100 && i.status < 200 &&
		i.status != http.StatusSwitchingProtocols {
		b.inform(i.status, i.header)
	}
}

// Close is store.Content's.
func (b *content) Close() error {
	b.span.End()
	return b.Stream.Close()
}

// Read is that of the stream, whose errors are what the node says of the origin.
func (b *content) Read(p []byte) (int, error) {
	n, err := b.Stream.Read(p)
	if aborted, ok := errors.AsType[*wire.Aborted](err); ok && len(aborted.Detail) > 0 {
		c, kind := b.x.reader(aborted.Detail), respOK
		begin(c, b.cause, &kind)
		err = refused(c, kind)
	}
	return n, err
}

// ending is what comes with the end of a content.
type ending struct {
	trailer http.Header
	asked   store.Asked
}

func (e *ending) Code(c *codec.Coder) {
	c.Header(&e.trailer)
	asked(c, &e.asked)
}

// End is store.Content's.
func (b *content) End() (trailer http.Header, asked store.Asked, complete bool) {
	var e ending
	complete = b.Ended()
	if detail := b.Stream.End(); complete && len(detail) > 0 {
		e.Code(b.x.reader(detail))
	}
	return e.trailer, e.asked, complete
}
