package exchange

import (
	"context"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/store"
)

// notifyTimeout is how long another node is waited for that is to be told of something.
const notifyTimeout = time.Second

// Ask is store.Remote's.
func (x *Exchange) Ask(ctx context.Context, node string, m store.Message) ([]byte, error) {
	return x.ask(ctx, node, outgoing{request: m})
}

// Tell is store.Remote's. A node that has missed earlier entries of the log learns them too.
func (x *Exchange) Tell(m store.Message) {
	var told sync.WaitGroup
	for _, p := range x.node.Peers() {
		told.Go(func() {
			ctx, cancel := context.WithTimeout(x.base, notifyTimeout)
			defer cancel()
			// after ErrBehind it has caught up
			if _, err := x.Ask(ctx, p.Name(), m); err != nil && err != store.ErrBehind {
				x.keepSharing(p.Name())
			}
		})
	}
	told.Wait()
}
