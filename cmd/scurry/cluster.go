package main

import (
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/proxy"
)

// peering is what makes a node one of several. Its zero value is that of a node on its own.
type peering struct {
	listener net.Listener // nil if the node is on its own; the proxy serves and closes it
	membership
}

// openCluster opens what makes a node with the settings cfg one of several. The caller closes what
// has been opened, also on an error.
func openCluster(cfg *config.Config, log zerolog.Logger) (c proxy.Cluster, p peering, err error) {
	if c.Secret, err = readSecret(cfg.PeerSecretFile, log); err != nil {
		return c, p, err
	}
	if c.TLS, err = readTLS(cfg, log); err != nil {
		return c, p, err
	}
	choose := "with --peer-listen"
	if len(cfg.Nodes) > 0 { // with which that flag doesn't go
		choose = "for this node in the lists of all"
	}
	if p.listener, err = listenAt(cfg.PeerListen, choose); err != nil {
		return c, p, err
	}
	log = log.With().Str("part", "cluster").Logger()
	if p.membership, err = openMembership(cfg, log); err != nil {
		return c, p, err
	}
	c.Listener = p.listener
	c.Self = string(cfg.Self)
	c.Peers = p.peers
	if p.members != nil {
		c.Members = p.members
	}
	c.Insecure = cfg.PeerInsecure
	c.Lease, c.Heartbeat = time.Duration(cfg.Lease), time.Duration(cfg.PeerHeartbeat)
	return c, p, nil
}

// openMembership opens what cfg says. The caller closes it.
func openMembership(cfg *config.Config, log zerolog.Logger) (membership, error) {
	if cfg.Gossips() {
		return openGossip(cfg, log)
	}
	source, err := cluster.Parse(string(cfg.Peers))
	if err != nil {
		return membership{}, err
	}
	switch {
	case source.Host != "":
		problem := func(err error) { log.Warn().Err(err).Msg("DNS doesn't tell who the nodes are") }
		names := cluster.DNS{Host: source.Host, Port: source.Port, Problem: problem}
		return membership{members: newHeard(names)}, nil
	case source.Path != "":
		return openPeersFile(source.Path, log)
	}
	return membership{peers: source.Nodes}, nil
}
