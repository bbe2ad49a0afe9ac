package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/proxy"
)

// openCluster opens the peer listener and the source of the list of nodes, and reads the
// credentials. The caller closes what is open, also on an error.
func (n *node) openCluster() (err error) {
	cfg, c := n.cfg, &n.cluster
	*c = proxy.Cluster{
		Self: string(cfg.Self), Insecure: cfg.PeerInsecure,
		Lease: time.Duration(cfg.Lease), Heartbeat: time.Duration(cfg.PeerHeartbeat),
	}
	if c.Secret, err = readPeerSecret(cfg.PeerSecretFile, n.log); err != nil {
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
	n.clusterLog = n.log.With().Str("part", "cluster").Logger()
	if cfg.Gossips() {
		return n.openGossip()
	}
	return n.openPeers()
}

// openPeers opens the list of nodes that --peers names.
func (n *node) openPeers() error {
	source, err := cluster.Parse(string(n.cfg.Peers))
	switch {
	case source.Host != "":
		n.cluster.Members = cluster.DNS{Host: source.Host, Port: source.Port, Log: n.clusterLog}
	case source.Path != "":
		if n.peersFile, err = cluster.OpenFile(source.Path); err != nil {
			return fmt.Errorf("--peers file:%s: %w", source.Path, err)
		}
		n.cluster.Members = n.peersFile
	default:
		n.cluster.Peers = source.Nodes
	}
	return err
}

// openGossip begins to gossip.
func (n *node) openGossip() error {
	cfg := n.cfg
	key, err := readGossipKey(cfg.GossipKeyFile, n.clusterLog)
	if err != nil {
		return err
	}
	n.gossip, err = cluster.OpenGossip(cluster.GossipConfig{
		PeerAddr: string(cfg.Self),
		Listen:   string(cfg.GossipListen),
		Join:     cfg.Join.Addrs(),
		Key:      key,
		Log:      n.clusterLog,
	})
	if err != nil {
		return cannotListen(cfg.GossipListen, "with --gossip-listen", err)
	}
	n.cluster.Members = n.gossip
	n.closers = append(n.closers, n.gossip.Close)
	return nil
}

// leaveTime is how long it may take to gossip that this node leaves.
const leaveTime = time.Second

// leave notifies the other nodes that this one is about to stop.
func (n *node) leave() {
	n.proxy.Leave()
	if n.gossip == nil {
		return
	}
	if err := n.gossip.Leave(leaveTime); err != nil {
		n.clusterLog.Warn().Err(err).Msg("gossip has a problem")
	}
}

// hangup handles SIGHUP: it reads the list of peers again if that is in a file.
func (n *node) hangup() {
	if n.peersFile == nil {
		n.log.Info().Msg("SIGHUP is ignored: " +
			"it has a list of peers read again, and there is none in a file")
		return
	}
	if err := n.peersFile.Reload(); err != nil {
		n.clusterLog.Error().Err(err).Msg("peers file not read again")
		return
	}
	path := strings.TrimPrefix(string(n.cfg.Peers), "file:")
	n.clusterLog.Info().Str("file", path).Msg("peers file read again")
}
