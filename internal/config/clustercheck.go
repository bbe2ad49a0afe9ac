package config

import (
	"errors"
	"fmt"
)

// contradiction returns an error if settings of c, in the long form, exclude each other or lack
// another one.
func (c *Cluster) contradiction(p Provenance) error {
	var gossip string // the flag by which the node gossips, if it does
	switch {
	case c.Join != "":
		gossip = "join"
	case c.GossipListen != "":
		gossip = "gossip-listen"
	}
	switch {
	case c.Peers != "" && gossip != "":
		return fmt.Errorf("--peers%s and --%s%s: the nodes are either listed or learnt of by "+
			"gossip: leave out one or the other",
			p.elsewhere("peers"), gossip, p.elsewhere(gossip))
	case c.Peers == "" && gossip == "":
		return fmt.Errorf("--peer-listen %s: who the other nodes are isn't said: "+
			"give --peers or --join, or --gossip-listen if this is the first node to be joined",
			c.PeerListen)
	case c.GossipKeyFile != "" && gossip == "":
		return fmt.Errorf("--gossip-key-file %s: there is no gossip to encrypt: "+
			"give --join or --gossip-listen, or leave it out", c.GossipKeyFile)
	}
	return nil
}

// idle returns an error if a setting is given that has no effect on a node without peers.
func idle(p Provenance) error {
	for _, s := range settings(&Cluster{}) {
		if p.given(s.Name) {
			return fmt.Errorf("--%s%s means nothing to a node that is on its own: "+
				"give --peer-listen as well, the address for the other nodes",
				s.Name, p.elsewhere(s.Name))
		}
	}
	return nil
}

// check returns what is wrong with c, which is derived. In errors, peersAt stands for the address
// at which peers reach this node.
func (c *Cluster) check(a *Addresses, peersAt string) error {
	peers := listener{"--peer-listen", c.PeerListen}
	gossip := listener{"--gossip-listen", c.GossipListen}
	if err := a.apart(peers, gossip); err != nil {
		return err
	}
	if c.exposed(c.PeerListen) && c.PeerSecretFile == "" && c.PeerTLSCert == "" {
		return errors.New(peersAt + ": other machines could reach it: give --peer-secret-file, " +
			"or --peer-tls-cert, --peer-tls-key and --peer-tls-ca, " +
			"or --peer-insecure if the network is trusted")
	}
	if c.Gossips() && c.exposed(c.GossipListen) && c.GossipKeyFile == "" {
		return fmt.Errorf("--gossip-listen %s: other machines could reach it: "+
			"give --gossip-key-file, or --peer-insecure if the network is trusted",
			c.GossipListen)
	}
	return nil
}

// exposed reports whether other machines could connect to the listener at addr, unless the settings
// allow that.
func (c *Cluster) exposed(addr Addr) bool { return !c.PeerInsecure && !onLoopback(addr.Host()) }
