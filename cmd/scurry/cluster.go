package main

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/config"
)

// openCluster opens the peer listener and the source of the list of nodes, and reads the
// credentials. The caller closes what is open, also on an error.
func (n *node) openCluster() (err error) {
	cfg, c := n.cfg, &n.cluster
	if c.Secret, err = readSecret(cfg.PeerSecretFile, n.log); err != nil {
		return err
	}
	if c.TLS, err = readTLS(cfg, n.log); err != nil {
		return err
	}
	choose := "with --peer-listen"
	if len(cfg.Nodes) > 0 { // --peer-listen doesn't go with them
		choose = "for this node in the lists of all"
	}
	if c.Listener, err = listenAt(cfg.PeerListen, choose); err != nil {
		return err
	}
	log := n.log.With().Str("part", "cluster").Logger()
	if n.membership, err = openMembership(cfg, log); err != nil {
		return err
	}
	c.Self, c.Peers, c.Members = string(cfg.Self), n.peers, n.members
	c.Insecure = cfg.PeerInsecure
	c.Lease, c.Heartbeat = time.Duration(cfg.Lease), time.Duration(cfg.PeerHeartbeat)
	return nil
}

// openMembership opens the source of the list of nodes that cfg names. The caller closes it.
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
		return membership{members: names}, nil
	case source.Path != "":
		return openPeersFile(source.Path, log)
	}
	return membership{peers: source.Nodes}, nil
}
