package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/listen"
)

// meetTime is how long a node that starts may wait for its peers before it takes requests without
// them.
const meetTime = 2 * time.Second

// run serves until ctx is done or a listener fails, then drains and closes everything. It returns
// nil if ctx ended it and every transfer finished.
func (n *node) run(ctx context.Context) error {
	failed := make(chan error, 2)
	serve := func(s *listen.Server) {
		n.serving.Go(func() {
			if err := s.Serve(); err != nil {
				failed <- fmt.Errorf("serve at %s: %w", s.Addr(), err)
			}
		})
	}
	serve(n.admin)
	n.meetPeers(ctx)
	serve(n.client)
	n.ready.Store(true)
	n.announce()
	tell(n.log, nowReady, "Serving")

	select {
	case <-ctx.Done():
		n.deadline = time.Now().Add(time.Duration(n.settings().Grace))
		return n.drain()
	case err := <-failed:
		return errors.Join(err, n.drain())
	}
}

// drain stops the node, in an order that can be followed from outside. First, the node isn't ready
// any more. Then it notifies the other nodes. Then each response ends its connection; after a
// while, no connections are accepted, and transfers go on to their ends. Then the cache closes. The
// admin server closes last.
func (n *node) drain() error {
	n.ready.Store(false)
	close(n.draining)
	cfg := n.settings()
	n.log.Info().Stringer("delay", cfg.ShutdownDelay).Stringer("grace", cfg.Grace).
		Msg("draining")
	tell(n.log, nowStopping, "Finishing the transfers in progress")
	n.leave()
	err := errors.Join(n.endTransfers(cfg), n.closeCache())
	n.endAdmin()
	if err == nil {
		n.log.Info().Int64("refused", n.client.Refused()).Msg("stopped")
	}
	return err
}

// endTransfers waits for the transfers in progress, to clients and to other nodes, and cuts those
// that don't end within the grace period.
func (n *node) endTransfers(cfg *config.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(cfg.Grace))
	defer cancel()
	n.client.SetDelay(delay(cfg))
	err := errors.Join(n.client.Drain(ctx), n.proxy.WaitIdle(ctx))
	if err != nil {
		err = fmt.Errorf("after %s of grace: %w", cfg.Grace, err)
	}
	return err
}

// endAdmin stops the admin server, whose requests are short, but for profiles, which are cut.
func (n *node) endAdmin() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = n.admin.Drain(ctx)
	n.serving.Wait()
}

// meetPeers waits until n knows its peers and has dialed them, so that its first requests are
// routed by the whole ring.
func (n *node) meetPeers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	err := n.proxy.WaitForPeers(ctx)
	if err != nil && ctx.Err() == context.DeadlineExceeded { // else n is stopping
		n.log.Warn().Err(err).Msg("not every peer has answered yet: serving without those that " +
			"haven't")
	}
}
