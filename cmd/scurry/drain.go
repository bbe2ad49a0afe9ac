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

// run serves until ctx is done or a listener fails, then drains and closes everything. It returns nil if it was told
// to stop and every transfer finished.
func (n *node) run(ctx context.Context) error {
	failed := make(chan error, 2)
	serve := func(serving *sync.WaitGroup, server *http.Server, listener net.Listener) {
		serving.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve at %s: %w", listener.Addr(), err)
			}
		})
	}
	serve(&n.adminServing, n.admin, n.adminListener)
	n.meetPeers(ctx)
	serve(&n.clientServing, n.client, n.clientListener)
	n.ready.Store(true)
	n.announce()

	select {
	case <-ctx.Done():
		return n.drain()
	case err := <-failed:
		return errors.Join(err, n.drain())
	}
}

// drain stops the node in an order that whoever watches it can follow: first it isn't ready; then the other nodes know;
// then it takes no new connections, and transfers go on to their ends; then the cache closes; what answers health checks
// goes last.
func (n *node) drain() error {
	n.ready.Store(false)
	n.log.Info().Stringer("grace", n.cfg.Grace).Msg("draining")
	n.leavePeers()
	err := errors.Join(n.endTransfers(), n.closeCache(), n.endAdmin())
	if err == nil {
		n.log.Info().Msg("stopped")
	}
	return err
}

// endTransfers waits for the transfers in progress to end, to clients and to other nodes' clients, and cuts those that don't within the grace period.
func (n *node) endTransfers() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n.cfg.Grace))
	defer cancel()
	err := n.client.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("cut the transfers that were still in progress after %s of grace", n.cfg.Grace), n.client.Close())
	}
	if quiet := n.proxy.Quiet(ctx); quiet != nil {
		err = errors.Join(err, fmt.Errorf("cut what other nodes were still being sent after %s of grace: %w", n.cfg.Grace, quiet))
	}
	n.clientServing.Wait()
	if !n.connections.wait(unwindTime) {
		err = errors.Join(err, fmt.Errorf("requests haven't ended %s after their connections were closed", unwindTime))
	}
	return err
}

// unwindTime is how long a handler may take to notice that its connection is closed, log that, and return.
const unwindTime = 2 * time.Second

// connections counts the connections of a server whose ConnState is its track. A connection counts until its handler
// has returned, which http.Server's Close doesn't wait for.
type connections struct{ open sync.WaitGroup }

func (c *connections) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Done()
	}
}

// wait tells if no connection is open, or none any more within limit. The server's Serve must have returned.
func (c *connections) wait(limit time.Duration) bool {
	none := make(chan struct{})
	go func() { // outlives wait only if a handler hangs, in a process that is about to exit
		c.open.Wait()
		close(none)
	}()
	select {
	case <-none:
		return true
	case <-time.After(limit):
		return false
	}
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
