package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/golang/groupcache"
	pb "github.com/golang/groupcache/groupcachepb"
)

// Ask asks a peer for the value of a key (without the group's prefix) that the peer owns. The value becomes groupcache's.
// On an error the group's Getter is tried, with the same ctx, whose values tell it what has been learnt. ctx is that of the
// call that opened the flight.
type Ask func(ctx context.Context, p *Peer, key string) ([]byte, error)

var errBothWays = errors.New("the key is being answered to a peer at this moment")

// PickPeer is groupcache.PeerPicker's.
func (s *shell) PickPeer(key string) (groupcache.ProtoGetter, bool) {
	b := s.bound.Load()
	if b == nil {
		return emptier{s}, s.emptying.Load()
	}
	if b.Node == nil || foreign(key, b.prefix) != nil {
		return nil, false
	}
	p := b.Node.Owner(Place(key[len(b.prefix):]))
	if p == nil {
		return nil, false
	}
	return &question{b: b, peer: p}, true
}

// question is a key on its way to a peer.
type question struct {
	b    *binding
	peer *Peer
}

// Get is groupcache.ProtoGetter's.
func (q *question) Get(ctx context.Context, in *pb.GetRequest, out *pb.GetResponse) (err error) {
	key := in.GetKey()[len(q.b.prefix):]
	if !q.b.gate.enter(false, key) {
		return errBothWays
	}
	defer q.b.gate.leave(false, key)
	defer func() {
		if p := recover(); p != nil { // unwound through groupcache's flight it would hang the key for ever
			err = fmt.Errorf("ask %s for %s: panic: %v\n%s", q.peer.name, key, p, debug.Stack())
		}
	}()
	out.Value, err = q.b.Ask(ctx, q.peer, key)
	return err
}

// emptier gives the fillers that push out what a released group's hot cache holds: only what comes from a peer gets there.
type emptier struct{ s *shell }

// Get is groupcache.ProtoGetter's.
func (e emptier) Get(_ context.Context, _ *pb.GetRequest, out *pb.GetResponse) error {
	out.Value = e.s.filler()
	return nil
}
