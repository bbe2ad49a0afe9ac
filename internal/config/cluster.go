package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// gossipPort is the port that nodes gossip on by default; it is memberlist's.
const gossipPort = 7946

// Cluster is how a node is reached by the other nodes, finds them, and trusts them.
type Cluster struct {
	PeerListen Addr       `placeholder:"HOST:PORT" group:"Cluster:" help:"Address for the other nodes. Without it, this node is on its own."`
	Self       PeerAddr   `placeholder:"HOST:PORT" group:"Cluster:" help:"Address by which the other nodes dial this one, written as in their lists (as --peer-listen)."`
	Peers      PeerSource `placeholder:"LIST" group:"Cluster:" reload:"live" help:"Peer addresses of all nodes: HOST:PORT,HOST:PORT,... or dns:NAME:PORT, looked up again and again, or file:PATH with one in a line, read again by scurry reload and at SIGHUP."`

	Lease         Timeout `default:"5s" placeholder:"TIME" group:"Cluster:" help:"How long a node may answer from a copy of what another node owns without asking it (${default})."`
	PeerHeartbeat Timeout `default:"200ms" placeholder:"TIME" group:"Cluster:" help:"How often a node that another one waits for gives a sign of life; four that are missing mean that it is dead (${default})."`

	PeerSecretFile File `placeholder:"FILE" group:"Cluster:" reload:"live" help:"File with a secret of 16 bytes or more, which all nodes prove to each other to know. It doesn't encrypt what they say."`
	PeerTLSCert    File `name:"peer-tls-cert" and:"peer-tls" placeholder:"FILE" group:"Cluster:" reload:"live" help:"Certificate of this node, PEM, for mutual TLS between nodes; for servers and for clients, in the name of its --self."`
	PeerTLSKey     File `name:"peer-tls-key" and:"peer-tls" placeholder:"FILE" group:"Cluster:" reload:"live" help:"Key of that certificate, PEM."`
	PeerTLSCA      File `name:"peer-tls-ca" and:"peer-tls" placeholder:"FILE" group:"Cluster:" reload:"live" help:"Certificates, PEM, one of which has signed each node's."`
	PeerInsecure   bool `group:"Cluster:" help:"Let any host that can reach the cluster's ports be a node of it."`

	Join          PeerList `placeholder:"HOST:PORT,..." group:"Cluster:" help:"Gossip address of any node, or of several, from which this one learns of all; instead of --peers."`
	GossipListen  Addr     `placeholder:"HOST:PORT" group:"Cluster:" help:"Address for gossip, TCP and UDP (with --join: the host of --peer-listen, at port 7946). Without --join, this node waits for others to join it."`
	GossipKeyFile File     `placeholder:"FILE" group:"Cluster:" reload:"live" help:"File with the key that gossip is encrypted with, and in further lines others that are accepted: 16, 24 or 32 bytes in base64, as \"openssl rand -base64 32\" prints it."`
}

// Clustered reports whether c, which is derived, makes its node one of several.
func (c *Cluster) Clustered() bool { return c.PeerListen != "" }

// Gossips reports whether c's node learns by gossip who the others are.
func (c *Cluster) Gossips() bool { return c.GossipListen != "" }

// derive is Config.Derive for c. The addresses in a are derived.
func (c *Cluster) derive(a *Addresses, p Provenance) error {
	switch {
	case len(a.Nodes) > 0:
		return c.deriveFromNodes(a, p)
	case !c.Clustered():
		return idle(p)
	}
	if err := c.contradiction(p); err != nil {
		return err
	}
	if err := c.deriveSelf(p); err != nil {
		return err
	}
	if c.Join != "" && c.GossipListen == "" {
		c.GossipListen = Addr(net.JoinHostPort(c.PeerListen.Host(), strconv.Itoa(gossipPort)))
		p["gossip-listen"] = fmt.Sprintf("peer-listen, port %d", gossipPort)
	}
	return c.check(a, "--peer-listen "+string(c.PeerListen))
}

// deriveFromNodes is derive for the short form. A list of one node makes no cluster; credentials
// and times are allowed with it but have no effect, so that the list can grow.
func (c *Cluster) deriveFromNodes(a *Addresses, p Provenance) error {
	for _, flag := range []string{
		"peer-listen", "self", "peers", "join", "gossip-listen", "gossip-key-file",
	} {
		if p.given(flag) {
			return fmt.Errorf("peer addresses as arguments don't go with --%s%s: "+
				"leave out one or the other", flag, p.elsewhere(flag))
		}
	}
	if len(a.Nodes) == 1 {
		return nil
	}
	self := a.Nodes[a.Index]
	c.PeerListen, c.Self, c.Peers = Addr(self), PeerAddr(self),
		PeerSource(strings.Join(a.Nodes, ","))
	p["peer-listen"], p["self"], p["peers"] = "argument "+self, "argument "+self, "arguments"
	return c.check(a, "peer address "+self)
}

// deriveSelf derives Self from PeerListen. With a list from DNS, Self may stay empty: a node then
// recognizes its own address in the list.
func (c *Cluster) deriveSelf(p Provenance) error {
	host, port := c.PeerListen.split()
	ip, _ := netip.ParseAddr(host)
	switch {
	case port == 0:
		return fmt.Errorf("--peer-listen %s: the other nodes must know the port: choose one",
			c.PeerListen)
	case c.Self != "":
	case c.Peers.fromDNS() && (ip.IsUnspecified() || !ip.IsValid()):
	case !unspecified(host):
		c.Self, p["self"] = PeerAddr(c.PeerListen), "peer-listen"
	default:
		return fmt.Errorf("--peer-listen %s is on all interfaces, "+
			"which is nothing that the other nodes can dial: "+
			"give --self HOST:PORT, their address of this node", c.PeerListen)
	}
	return nil
}
