package main

import (
	"context"
	"fmt"
	"time"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/proxy"
)

// meetTime is how long a node that starts may wait for its peers before it takes requests without
// them.
const meetTime = 2 * time.Second

// checkPeers says what is wrong with the list of peers, as far as its text tells.
func checkPeers(c *config.Config) error {
	if c.Peers == "" {
		return nil
	}
	from := "--peers"
	if len(c.Nodes) > 0 {
		from = "peer addresses"
	}
	if _, err := cluster.Parse(string(c.Peers)); err != nil {
		return usageError{fmt.Errorf("%s: %w", from, err)}
	}
	return nil
}

// openCluster opens what makes n, whose settings say so, one of several nodes. What it has opened
// is n's also on an error.
func (n *node) openCluster() (c proxy.Cluster, err error) {
	if c.Secret, err = readSecret(n.cfg.PeerSecretFile, n.log); err != nil {
		return c, err
	}
	if c.TLS, err = readTLS(n.cfg, n.log); err != nil {
		return c, err
	}
	choose := "with --peer-listen"
	if len(n.cfg.Nodes) > 0 { // with which that flag doesn't go
		choose = "for this node in the lists of all"
	}
	if n.peerListener, err = listenAt(n.cfg.PeerListen, choose); err != nil {
		return c, err
	}
	if n.others, err = openMembership(n.cfg, n.log.With().Str("part", "cluster").Logger()); err != nil {
		return c, err
	}
	c.Listener = n.peerListener
	c.Self = string(n.cfg.Self)
	c.Peers = n.others.peers
	if n.others.members != nil {
		c.Members = n.others.members
	}
	c.Insecure = n.cfg.PeerInsecure
	c.Lease, c.Heartbeat = time.Duration(n.cfg.Lease), time.Duration(n.cfg.PeerHeartbeat)
	return c, nil
}

// meetPeers waits until n knows who its peers are and has tried them, so that its first requests
// find the ring as it is.
func (n *node) meetPeers(ctx context.Context) {
	if n.peerListener == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	if n.others.members != nil {
		select {
		case <-n.others.members.told:
		case <-ctx.Done():
		}
	}
	if err := n.proxy.WaitForPeers(ctx); err != nil && ctx.Err() == context.DeadlineExceeded { // else n was told to stop
		n.log.Warn().Err(err).Msg("not every peer has answered yet: serving without those that haven't")
	}
}

// leavePeers tells the other nodes that this one is about to stop.
func (n *node) leavePeers() {
	if n.peerListener == nil {
		return
	}
	n.proxy.Leave()
	if n.others.leave != nil {
		n.others.leave()
	}
}

// hangup reads the list of peers again if it is in a file.
func (n *node) hangup() {
	if n.others.reload == nil {
		n.log.Info().Msg("SIGHUP is ignored: it has a list of peers read again, and there is none in a file")
		return
	}
	n.others.reload()
}
