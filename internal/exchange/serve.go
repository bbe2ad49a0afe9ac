package exchange

import (
	"errors"
	"io"
	"slices"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// The kinds of requests.
const (
	reqLookup      byte = iota // the record of a resource: found, or fetched from the origin
	reqChunk                   // a chunk, if it is held
	reqFragment                // the bytes of a version from some offset on, if a fragment is held
	reqRead                    // the bytes of a version from some offset on, to their slab's end
	reqTakeOver                // to read on from a slab's border, if the origin accepts that
	reqForesee                 // whether the origin would be asked for some parts of a version
	reqOriginAsked             // whether it has been asked for a reqRead that is being answered
	reqPut                     // to store a response that hasn't come by being fetched
	reqInvalidate              // to take invalidations that have just been issued
	reqVaries                  // to drop the copies of what has turned out to vary
	reqPull                    // the invalidations that it knows and the requester doesn't
	reqTake                    // to take the invalidations that it doesn't know
)

// incoming makes a request of each kind, which is to be read.
var incoming = [...]func() request{
	reqLookup:      made[lookupRequest],
	reqChunk:       made[chunkRequest],
	reqFragment:    made[fragmentRequest],
	reqRead:        made[readRequest],
	reqTakeOver:    made[takeOverRequest],
	reqForesee:     made[foreseeRequest],
	reqOriginAsked: made[originAskedRequest],
	reqPut:         made[putRequest],
	reqInvalidate:  made[invalidateRequest],
	reqVaries:      made[variesRequest],
	reqPull:        made[pullRequest],
	reqTake:        made[takeRequest],
}

func made[Q any, P interface {
	*Q
	request
}]() request {
	return P(new(Q))
}

// request is what another node asks for.
type request interface {
	message
	serve(x *Exchange, c *wire.Call) (answer, error)
}

// answer is what comes of a request.
type answer struct {
	cause   store.Cause    // of the request
	reply   message        // the reply's fields; nil if it has none
	value   []byte         // which goes with the reply
	content *store.Sending // which follows it; nil if none does
	sent    func()         // is called when all is sent, if it isn't nil
}

// serve answers a request of another node. If that has gone, nobody is there to be told.
func (x *Exchange) serve(c *wire.Call) {
	a, err := x.answer(c)
	if a.sent != nil {
		defer a.sent()
	}
	if err != nil {
		_ = c.Respond(x.refusal(a.cause, err), nil)
		return
	}
	reply := x.reply(a.cause, respOK, a.reply)
	switch {
	case a.content == nil:
		_ = c.Respond(reply, a.value)
	case c.Reply(reply, nil) != nil:
		a.content.Close()
	default:
		x.send(c, a)
	}
}

func (x *Exchange) answer(c *wire.Call) (answer, error) {
	m, kind := x.reader(c.Message()), byte(0)
	if codec.Int(m, &kind); int(kind) >= len(incoming) {
		return answer{}, store.ErrBusy
	}
	q := incoming[kind]()
	if q.code(m); m.Bad || len(m.B) > 0 {
		return answer{}, store.ErrBusy
	}
	return q.serve(x, c)
}

// send sends a's content.
func (x *Exchange) send(c *wire.Call, a answer) {
	defer a.content.Close()
	for {
		b, err := a.content.Next(c.Context())
		switch {
		case err == io.EOF:
			_ = c.End(end(a.content))
			return
		case err != nil:
			_ = c.Abort(x.refusal(a.cause, err))
			return
		}
		if _, err := c.Write(b); err != nil {
			return // nobody reads it any more
		}
	}
}

// end is what is said at the end of a content; nil if there is nothing to say.
func end(sent *store.Sending) []byte {
	var e ending
	if e.trailer, e.asked = sent.End(); len(e.trailer) == 0 && e.asked == store.NotAsked {
		return nil
	}
	var c codec.Coder
	e.code(&c)
	return c.B
}

// refusal makes the reply to a request for cause that has brought err.
func (x *Exchange) refusal(cause store.Cause, err error) []byte {
	if f, ok := errors.AsType[*store.Failure](err); ok {
		return x.reply(cause, respFailed, failure{f})
	}
	is := func(target error) bool { return errors.Is(err, target) }
	if i := slices.IndexFunc(plain, is); i >= 0 {
		return x.reply(cause, respPlain+byte(i), nil)
	}
	if is(store.ErrNotOwner) {
		return x.reply(cause, respNotOwner, &notOwner{x.node.Ring()})
	}
	return x.reply(cause, respBusy, nil)
}
