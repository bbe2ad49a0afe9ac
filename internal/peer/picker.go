package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/golang/groupcache"
	pb "github.com/golang/groupcache/groupcachepb"
)

// Fetch gets from a peer, by its name, the value of a key (without the group's prefix) that the peer owns. The
// value becomes groupcache's. On an error the group's Getter is tried, with the same ctx, whose
// values tell it what has been found out. ctx is that of the call that opened the flight.
type Fetch func(ctx context.Context, owner, key string) ([]byte, error)

var errBothWays = errors.New("the key is being served to a peer at this moment")

// PickPeer is groupcache.PeerPicker's.
func (s *pooledGroup) PickPeer(key string) (groupcache.ProtoGetter, bool) {
	b := s.tenant.Load()
	if b == nil {
		return evictor{s}, s.emptying.Load()
	}
	if b.Owner == nil || foreign(key, b.prefix) != nil {
		return nil, false
	}
	owner := b.Owner(RoutingKey(key[len(b.prefix):]))
	if owner == "" {
		return nil, false
	}
	return &peerRequest{tenant: b, owner: owner}, true
}

// peerRequest is a key on its way to a peer.
type peerRequest struct {
	tenant *tenant
	owner  string
}

// Get is groupcache.ProtoGetter's.
func (q *peerRequest) Get(ctx context.Context, in *pb.GetRequest, out *pb.GetResponse) (err error) {
	key := in.GetKey()[len(q.tenant.prefix):]
	if !q.tenant.gate.enter(false, key) {
		return errBothWays
	}
	defer q.tenant.gate.leave(false, key)
	defer func() {
		if p := recover(); p != nil { // unwound through groupcache's flight it would hang the key for ever
			err = fmt.Errorf("ask %s for %s: panic: %v\n%s", q.owner, key, p, debug.Stack())
		}
	}()
	out.Value, err = q.tenant.Fetch(ctx, q.owner, key)
	return err
}

// evictor gives the fillers that push out what a released group's hot cache holds: only what comes
// from a peer gets there.
type evictor struct{ s *pooledGroup }

// Get is groupcache.ProtoGetter's.
func (e evictor) Get(_ context.Context, _ *pb.GetRequest, out *pb.GetResponse) error {
	out.Value = e.s.filler()
	return nil
}
