package exchange

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
	"github.com/scurrycache/scurry/internal/wire"
)

var _ store.Remote = (*Exchange)(nil)

// New makes a node among its peers. It must be closed, and talks to none before Start. now is the
// Store's clock; Reunited and Greet are set here.
// tracer may be nil.
func New(cfg peer.NodeConfig, now func() time.Time, tracer *trace.Tracer) *Exchange {
	x := &Exchange{clock: now, kinds: map[reflect.Type]byte{}, missed: map[string]int{},
		awaited: map[string]struct{}{}, lease: cfg.Lease, tracer: tracer}
	for kind, request := range incoming {
		x.kinds[reflect.TypeOf(request())] = byte(kind)
	}
	x.base, x.cancel = context.WithCancel(context.Background())
	cfg.Reunited, cfg.Greet = x.reunited, x.greet
	x.patience = patience(cfg.Wire)
	x.standstill.init(cfg.Wire)
	x.Node = peer.NewNode(cfg)
	return x
}

// Start begins to answer other nodes out of s, whose Remote x is.
func (x *Exchange) Start(s *store.Store) {
	x.store, x.server = s, s.Server()
	x.Node.Start(x.serve)
	x.work.Go(x.watchClock)
}

// incoming makes a request of each kind, which is to be read. A kind's number is its place.
var incoming = [...]func() message{
	made[lookupRequest], made[readRequest], made[originAskedRequest], made[logs],
	made[store.ChunkRequest], made[store.FragmentRequest], made[store.ForeseeRequest],
	made[store.PutRequest], made[store.InvalidateRequest], made[store.VariesRequest],
	made[warmRequest], made[warmReadRequest],
}

func made[Q any, P interface {
	*Q
	message
}]() message {
	return P(new(Q))
}

// serve answers a request of another node. If that has gone, nobody is there to be told.
func (x *Exchange) serve(c *wire.Call) {
	r, err := x.handle(c)
	defer r.span.End()
	if err != nil {
		failed(r.span, err)
		_ = c.Respond(x.refusal(r.cause, err), nil)
		return
	}
	reply := x.reply(r.cause, respOK, r.reply)
	switch {
	case r.content == nil:
		_ = c.Respond(reply, r.value)
	case c.Reply(reply, nil) != nil:
		r.content.Close()
	default:
		x.send(c, r)
	}
}

func (x *Exchange) handle(c *wire.Call) (response, error) {
	m, kind := x.reader(c.Message()), byte(0)
	if codec.Int(m, &kind); int(kind) >= len(incoming) {
		return response{}, store.ErrBusy
	}
	q := incoming[kind]()
	if q.Code(m); m.Bad || len(m.B) > 0 {
		return response{}, store.ErrBusy
	}
	if q, ok := q.(request); ok {
		return q.serve(x, c)
	}
	value, err := x.server.Answer(q)
	return response{value: value}, err
}

// send sends r's content.
func (x *Exchange) send(c *wire.Call, r response) {
	defer r.content.Close()
	for {
		b, err := r.content.Next(c.Context())
		switch {
		case err == io.EOF:
			_ = c.End(end(r.content))
			return
		case err != nil:
			failed(r.span, err)
			_ = c.Abort(x.refusal(r.cause, err))
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
	e.Code(&c)
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
		return x.reply(cause, respNotOwner, &notOwner{x.Node.Ring()})
	}
	return x.reply(cause, respBusy, nil)
}
