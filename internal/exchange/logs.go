package exchange

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// logs is what two nodes tell each other of what their invalidation logs have.
type logs struct {
	position *invalidation.Position // of the sender's log
	reply    *invalidation.Reply    // what the receiver's lacks, as far as the sender knows
}

func (l *logs) Code(c *codec.Coder) {
	invalidation.CodePosition(c, &l.position)
	if c.Reads {
		l.reply = &invalidation.Reply{}
	}
	l.reply.Code(c)
}

// exchangeLogs has this node learn the invalidations that the other one knows, and then the other
// one those that this one knows. ask sends one message, and takes the other.
func (x *Exchange) exchangeLogs(ask func(ours, theirs *logs) error) error {
	ours := logs{x.store.Position(), &invalidation.Reply{}}
	for range 2 {
		var theirs logs
		if err := ask(&ours, &theirs); err != nil {
			return err
		}
		if err := x.store.Merge(theirs.reply); err != nil {
			return err
		}
		ours = logs{x.store.Position(), x.store.Reply(theirs.position)}
	}
	return nil
}

func (l *logs) serve(x *Exchange, _ *wire.Call) (response, error) {
	err := x.store.Merge(l.reply)
	return response{reply: &logs{x.store.Position(), x.store.Reply(l.position)}}, err
}

// greet exchanges logs over a new connection.
func (x *Exchange) greet(ask func(message []byte) ([]byte, error)) error {
	return x.exchangeLogs(func(ours, theirs *logs) error {
		b, err := ask(x.request(ours))
		if err != nil {
			return err
		}
		c, kind := x.reader(b), respOK
		begin(c, store.Cause{}, &kind)
		return result(c, kind, theirs)
	})
}

// share exchanges logs with a node, with which there is contact.
func (x *Exchange) share(node string) error {
	ctx, cancel := context.WithTimeout(x.base, notifyTimeout)
	defer cancel()
	return x.exchangeLogs(func(ours, theirs *logs) error {
		_, err := x.ask(ctx, node, outgoing{request: ours, reply: theirs})
		return err
	})
}

// Share is store.Remote's.
func (x *Exchange) Share() {
	for _, p := range x.others() {
		x.keepSharing(p.Name())
	}
}

// Pauses between tries to tell a node.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// keepSharing has logs exchanged with a node as soon as that can be done, unless it is none any
// more: when it is one again, that comes first.
func (x *Exchange) keepSharing(node string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.keepSharingLocked(node)
}

func (x *Exchange) keepSharingLocked(node string) {
	if x.missed[node]++; x.missed[node] == 1 && x.base.Err() == nil {
		x.work.Go(func() { x.retrySharing(node) })
	}
}

func (x *Exchange) retrySharing(node string) {
	missed := 1
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		err := x.share(node)
		if isGone := err != nil && x.Node.Peer(node) == nil; err == nil || isGone {
			if missed = x.stillMissed(node, missed, isGone); missed == 0 {
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-x.base.Done():
			return
		}
	}
}

// stillMissed returns how many messages a node has missed, now that it has learnt of so many, or is
// gone: 0 if that is all.
func (x *Exchange) stillMissed(node string, learnt int, isGone bool) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.missed[node] == learnt {
		x.sharedLocked(node, isGone)
	}
	return x.missed[node]
}
