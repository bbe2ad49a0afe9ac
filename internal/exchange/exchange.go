// Package exchange is what the nodes of a cluster ask each other for.
//
// A Store asks by way of its Remote, which its node's Exchange is. The request goes as a message
// over the connection that the peer package keeps, and the other node's Exchange has the Server of
// its Store answer:
//
//	Store ─► Exchange, its Remote ─► peer, wire ─► the owner's Exchange ─► Server ─► Store
//	      ◄─ result or error, Content ◄───────────── reply, bytes ◄────────┘
//
// A node that is asked never asks on, so nodes whose rings differ can't wait for each other: a
// Server knows no Remote but for who owns what.
//
// Two nodes exchange their invalidation logs on a new connection, before anything else, and
// whenever one turns out to know less than the other (logs.go). What is asked for, and when, is the
// Store's business; what connections there are, the peer package's.
package exchange

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

var _ store.Remote = (*Exchange)(nil)

// New makes a node among its peers. It must be closed, and talks to none before Start. now is the
// Store's clock; Reunited and Greet are set here.
func New(cfg peer.NodeConfig, now func() time.Time) *Exchange {
	x := &Exchange{}
	x.base, x.cancel = context.WithCancel(context.Background())
	cfg.Reunited = func() { x.store.RevalidateAll() }
	cfg.Greet = func(_ string, ask func([]byte) ([]byte, error)) error {
		return x.exchangeLogs(ask)
	}
	x.node = peer.NewNode(cfg)
	x.wording = wording{now, x.node.Ring}
	return x
}

// Node is the node itself.
func (x *Exchange) Node() *peer.Node { return x.node }

// Start begins to answer other nodes out of s, whose Remote x is.
func (x *Exchange) Start(s *store.Store) {
	x.store, x.server = s, s.Server()
	x.node.Start(x.serve)
}

// Close ends all connections, and waits for what is being answered and told. Closing a nil Exchange
// does nothing.
func (x *Exchange) Close() {
	if x == nil {
		return
	}
	x.node.Close()
	x.untold.close()
	x.cancel()
	x.work.Wait()
}

// serve answers a request of another node.
func (x *Exchange) serve(c *wire.Call) {
	d := &codec.Decoder{B: c.Message()}
	if serve, ok := kinds[d.Byte()]; ok {
		serve(x, c, d)
		return
	}
	x.refuse(c, store.ErrBusy)
}

// kinds answers each kind of request.
var kinds = map[byte]func(*Exchange, *wire.Call, *codec.Decoder){
	reqLookup:      (*Exchange).serveLookup,
	reqChunk:       (*Exchange).serveChunk,
	reqFragment:    (*Exchange).serveFragment,
	reqRead:        (*Exchange).serveRead,
	reqTakeOver:    (*Exchange).serveTakeOver,
	reqInvalidate:  (*Exchange).serveInvalidate,
	reqPut:         (*Exchange).servePut,
	reqForesee:     (*Exchange).serveForesee,
	reqVaries:      (*Exchange).serveVaries,
	reqOriginAsked: (*Exchange).serveOriginAsked,
	reqPull:        (*Exchange).servePull,
	reqTake:        (*Exchange).serveTake,
}
