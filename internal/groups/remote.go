package groups

import (
	"context"
	"errors"

	"github.com/golang/groupcache"
	pb "github.com/golang/groupcache/groupcachepb"
)

var errBothWays = errors.New("the key is being served to a peer at this moment")

// PickPeer is groupcache.PeerPicker's.
func (p *pooledGroup) PickPeer(key string) (groupcache.ProtoGetter, bool) {
	t := p.tenant.Load()
	if t == nil {
		return evictor{p.filler}, p.emptying.Load()
	}
	if t.Remote == nil || !t.has(key) || !t.Remote(key[len(t.prefix):]) {
		return nil, false
	}
	return remote{t}, true
}

// remote gets values from the nodes that own them.
type remote struct{ tenant *tenant }

// Get is groupcache.ProtoGetter's.
func (r remote) Get(ctx context.Context, in *pb.GetRequest, out *pb.GetResponse) (err error) {
	l := ctx.(*lookup)
	if l.loader == nil {
		return ErrNotHeld
	}
	key := in.GetKey()[len(r.tenant.prefix):]
	if !r.tenant.gate.enter(false, key) {
		return errBothWays
	}
	defer r.tenant.gate.leave(false, key)
	defer func() {
		if p := recover(); p != nil {
			err = panicked("fetch", key, p)
		}
	}()
	out.Value, err = l.loader.Fetch(l.Context)
	return err
}

// evictor gives the fillers that push out what a released group's hot cache holds: only what comes
// from a peer gets there.
type evictor struct{ filler []byte }

// Get is groupcache.ProtoGetter's.
func (e evictor) Get(_ context.Context, _ *pb.GetRequest, out *pb.GetResponse) error {
	out.Value = e.filler
	return nil
}
