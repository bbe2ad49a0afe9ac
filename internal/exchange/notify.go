package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// notifyTimeout is how long a node is waited for with which logs are exchanged.
const notifyTimeout = time.Second

// patience is how long a node is waited for that is to be told of something: until it counts as
// dead. Then it finds out by itself that it was missed (standstill).
func patience(c wire.Config) time.Duration {
	return min(max(notifyTimeout, deathTimeout(c)), mostPatience)
}

// Ask is store.Remote's.
func (x *Exchange) Ask(ctx context.Context, node string, m store.Message) ([]byte, error) {
	return x.ask(ctx, node, outgoing{request: m})
}

// Notify is store.Remote's. A node that has missed earlier entries of the log learns them too.
func (x *Exchange) Notify(m store.Message) []store.Notified {
	peers := x.others()
	all := make([]store.Notified, len(peers))
	var told sync.WaitGroup
	for i, p := range peers {
		told.Go(func() {
			value, err := x.notify(p, m)
			all[i] = store.Notified{Node: p.Name(), Value: value, Err: err}
		})
	}
	told.Wait()
	return all
}

// others is the nodes that are members beside this one.
func (x *Exchange) others() []*peer.Peer {
	isItself := func(p *peer.Peer) bool { return p.Status().State == peer.Itself }
	return slices.DeleteFunc(x.Node.Peers(), isItself)
}

// notify notifies one node. The error says why it hasn't been told; it learns of it later. A node
// that is stopped may have been slow before: once it counts as dead, it is given as much time again,
// so that it has certainly stood still for as long as it takes to notice that (standstill).
func (x *Exchange) notify(p *peer.Peer, m store.Message) ([]byte, error) {
	ctx, cancel := context.WithTimeout(x.base, x.patience)
	defer cancel()
	value, err := x.Ask(ctx, p.Name(), m)
	if err == nil || err == store.ErrBehind { // then it has caught up
		return value, nil
	}
	x.keepSharing(p.Name())
	status := p.Status()
	if status.Silent {
		select {
		case <-time.After(time.Until(status.Since.Add(x.dead))):
		case <-x.base.Done():
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("it hasn't answered within %s", x.patience)
	case status.State != peer.Live && status.Failure != "":
		err = fmt.Errorf("it is %s: %s", status.State, status.Failure)
	case status.State != peer.Live:
		err = fmt.Errorf("it is %s: %w", status.State, err)
	}
	return nil, err
}
