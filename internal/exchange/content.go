package exchange

import (
	"context"
	"io"
	"net/http"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// content is bytes that another node sends.
type content struct {
	*peer.Stream
	x     *Exchange
	node  string
	cause store.Cause // that they were asked for
	call  uint64      // that they answer; 0 if they come with a record
}

// Read is that of the stream, whose errors are what the node says of the origin.
func (b *content) Read(p []byte) (int, error) {
	n, err := b.Stream.Read(p)
	return n, learn(b.cause, b.x.abortion(err))
}

// End is store.Content's.
func (b *content) End() (trailer http.Header, asked store.Asked, complete bool) {
	complete = b.Ended()
	if d := (&codec.Decoder{B: b.Stream.End()}); complete && len(d.B) > 0 {
		trailer, asked = d.Header(), decodeAsked(d)
	}
	return trailer, asked, complete
}

// OriginAsked is store.Content's.
func (b *content) OriginAsked(ctx context.Context) bool {
	return b.call != 0 && b.x.originAsked(ctx, b.node, b.call)
}

func decodeAsked(d *codec.Decoder) store.Asked {
	return min(store.Asked(d.Byte()), store.AskedForThis)
}

// send sends a content that is read for cause.
func (x *Exchange) send(c *wire.Call, cause store.Cause, sending *store.Sending) {
	defer sending.Close()
	for {
		b, err := sending.Next(c.Context())
		switch {
		case err == io.EOF:
			_ = c.End(encodeEnd(sending.End()))
			return
		case err != nil:
			_ = c.Abort(x.encodeError(after(cause, err)))
			return
		}
		if _, err := c.Write(b); err != nil {
			return // nobody reads it any more
		}
	}
}

// encodeEnd is what comes with the end of a content; nil if there is nothing to say.
func encodeEnd(trailer http.Header, asked store.Asked) []byte {
	if len(trailer) == 0 && asked == store.NotAsked {
		return nil
	}
	return append(codec.AppendHeader(nil, trailer), byte(asked))
}
