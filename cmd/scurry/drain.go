package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// run serves until ctx is done or a listener fails, then drains and closes everything. It returns
// nil if it was told to stop and every transfer finished.
func (n *node) run(ctx context.Context) error {
	failed := make(chan error, 2)
	serve := func(serving *sync.WaitGroup, at net.Addr, serve func() error) {
		serving.Go(func() {
			if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve at %s: %w", at, err)
			}
		})
	}
	serve(&n.adminServing, n.adminListener.Addr(), func() error { return n.admin.Serve(n.adminListener) })
	n.meetPeers(ctx)
	serve(&n.clientServing, n.clientListener.Addr(), n.client.Serve)
	n.ready.Store(true)
	n.announce()

	select {
	case <-ctx.Done():
		return n.drain()
	case err := <-failed:
		return errors.Join(err, n.drain())
	}
}

// drain stops the node in an order that can be followed from outside: first it isn't ready; then
// the other nodes know; then clients are told with each response, and after a while it takes no new
// connections, and transfers go on to their ends; then the cache closes; what answers health checks
// goes last.
func (n *node) drain() error {
	n.ready.Store(false)
	n.log.Info().Stringer("delay", n.cfg.ShutdownDelay).Stringer("grace", n.cfg.Grace).Msg("draining")
	n.leavePeers()
	err := errors.Join(n.endTransfers(), n.closeCache(), n.endAdmin())
	if err == nil {
		n.log.Info().Int64("refused", n.client.Refused()).Msg("stopped")
	}
	return err
}

// endTransfers waits for the transfers in progress to end, to clients and to other nodes' clients,
// and cuts those that don't within the grace period.
func (n *node) endTransfers() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n.cfg.Grace))
	defer cancel()
	err := n.client.Drain(ctx)
	if err != nil {
		err = fmt.Errorf("clients, after %s of grace: %w", n.cfg.Grace, err)
	}
	if quiet := n.proxy.WaitIdle(ctx); quiet != nil {
		err = errors.Join(err, fmt.Errorf("cut what other nodes were still being sent after %s of grace: %w", n.cfg.Grace, quiet))
	}
	n.clientServing.Wait()
	return err
}

// endAdmin stops the admin server. Its requests take no time worth waiting for.
func (n *node) endAdmin() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := n.admin.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = n.admin.Close()
	}
	n.adminServing.Wait()
	return err
}
