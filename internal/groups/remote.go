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
		return p, p.emptying.Load()
	}
	return t, t.Remote != nil && t.has(key) && t.Remote(key[len(t.prefix):])
}

// Get is groupcache.ProtoGetter's: it gets a value from the node that owns it.
func (t *tenant) Get(ctx context.Context, in *pb.GetRequest, out *pb.GetResponse) (err error) {
	l := ctx.(*lookup)
	if l.loader == nil {
		return ErrNotHeld
	}
	key := in.GetKey()[len(t.prefix):]
	if !t.gate.enter(key, outbound) {
		return errBothWays
	}
	defer t.gate.leave(key, outbound)
	defer recovered("fetch", key, &err)
	out.Value, err = l.loader.Fetch(l.Context)
	return err
}

// Get is groupcache.ProtoGetter's: it gives the fillers that push out what a released group's hot
// cache holds, since only what comes from a peer gets there.
func (p *pooledGroup) Get(_ context.Context, _ *pb.GetRequest, out *pb.GetResponse) error {
	out.Value = p.filler
	return nil
}
