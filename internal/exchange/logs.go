package exchange

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// logs is what two nodes tell each other of what their invalidation logs have.
type logs struct {
	request string // for what the other node's log has and this one's lacks
	reply   string // what this one's has and the other's lacks
}

func (l *logs) code(c *codec.Coder) {
	c.Text(&l.request)
	c.Text(&l.reply)
}

type (
	pullRequest struct{ logs } // has a request, and is answered with both
	takeRequest struct{ logs } // has a reply
)

// exchangeLogs has this node learn the invalidations that the other one knows, and then the other
// one those that this one knows. ask sends a request, and takes the reply.
func (x *Exchange) exchangeLogs(ask func(kind byte, m, reply message) error) error {
	var theirs logs
	err := ask(reqPull, &logs{request: string(x.store.PullRequest())}, &theirs)
	if err != nil {
		return err
	}
	if err := x.store.Merge([]byte(theirs.reply)); err != nil {
		return err
	}
	ours, err := x.store.PullReply([]byte(theirs.request))
	if err != nil {
		return err
	}
	return ask(reqTake, &logs{reply: string(ours)}, nil)
}

// greet exchanges logs over a new connection.
func (x *Exchange) greet(ask func(message []byte) ([]byte, error)) error {
	return x.exchangeLogs(func(kind byte, m, reply message) error {
		b, err := ask(x.request(kind, m))
		if err != nil {
			return err
		}
		c := x.reader(b)
		begin(c, store.Cause{}, &kind)
		return result(c, kind, reply)
	})
}

// share exchanges logs with a node, with which there is contact.
func (x *Exchange) share(node string) error {
	ctx, cancel := context.WithTimeout(x.base, notifyTimeout)
	defer cancel()
	return x.exchangeLogs(func(kind byte, m, reply message) error {
		_, err := x.ask(ctx, node, outgoing{kind: kind, request: m, reply: reply})
		return err
	})
}

func (q *pullRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	ours, err := x.store.PullReply([]byte(q.request))
	return response{reply: &logs{string(x.store.PullRequest()), string(ours)}}, err
}

func (q *takeRequest) serve(x *Exchange, _ *wire.Call) (response, error) {
	return response{}, x.store.Merge([]byte(q.reply))
}

// Share is store.Remote's.
func (x *Exchange) Share() {
	for _, p := range x.node.Peers() {
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
	x.untold.miss(node, func() { x.work.Go(func() { x.retrySharing(node) }) })
}

func (x *Exchange) retrySharing(node string) {
	missed, over := 1, false
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		if x.share(node) == nil || x.node.Peer(node) == nil {
			if missed, over = x.untold.over(node, missed); over {
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
