// Package exchange is what the nodes of a cluster ask each other for.
//
// A Store asks by way of its Remote, which its node's Exchange is. The request goes as a message
// over the connection that the peer package keeps, and the other node's Exchange has the Server of
// its Store answer:
//
//	Store ─► Exchange, its Remote ─► peer, wire ─► the owner's Exchange ─► Server ─► Store
//	      ◄─ result or error, Content ◄───────────── reply, bytes ◄────────┘
//
// A node never forwards a peer's request to a third node, so nodes with different rings can't
// deadlock: of the other nodes a Server knows only who owns what.
//
// Two nodes exchange their invalidation logs on a new connection, before anything else, and
// whenever one turns out to know less than the other (logs.go). A node that has stood still does so
// before it serves what it has (standstill.go). What is asked for, and when, is the Store's
// business; what connections there are, the peer package's.
package exchange

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
	"github.com/scurrycache/scurry/internal/wire"
)

// Exchange connects a node to the others: it is the Remote of its Store. Its methods may be called
// concurrently.
type Exchange struct {
	*peer.Node // the node itself, which says who owns what
	clock
	kinds  map[reflect.Type]byte // of requests
	tracer *trace.Tracer         // nil if nothing is traced
	store  *store.Store
	server *store.Server
	base   context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // what is told to others, and the look at the clock

	lease    time.Duration
	patience time.Duration // how long a node is waited for that is to be told of something
	standstill
	calls sync.Map // the Cause of each read that is being answered, by its call

	mu      sync.Mutex          // guards what follows; the node's and the log's locks come after it
	missed  map[string]int      // what nodes couldn't be told that are tried again
	awaited map[string]struct{} // nodes that may know of what this one has missed (standstill.go)
}

// request is what another node asks for, unless that is a store.Message.
type request interface {
	message
	serve(x *Exchange, c *wire.Call) (response, error)
}

// response is what comes of a request.
type response struct {
	cause   store.Cause    // of the request
	span    *trace.Span    // of serving it; nil if that isn't traced
	reply   message        // the reply's fields; nil if it has none
	value   []byte         // which goes with the reply
	content *store.Sending // which follows it; nil if none does
}

// request makes a request of m: its kind, and its fields.
func (x *Exchange) request(m message) []byte {
	c, kind := x.writer(), x.kinds[reflect.TypeOf(m)]
	codec.Int(c, &kind)
	m.Code(c)
	return c.B
}

// Close ends all connections, and waits for what is being answered and told. Closing a nil Exchange
// does nothing.
func (x *Exchange) Close() {
	if x == nil {
		return
	}
	x.Node.Close()
	x.mu.Lock()
	x.cancel() // from now on no node is tried again
	x.mu.Unlock()
	x.work.Wait()
}
