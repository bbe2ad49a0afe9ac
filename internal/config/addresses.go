package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Addresses is where a node listens, in the long form (Listen) or the short one (Peers).
type Addresses struct {
	Peers []string `arg:"" optional:"" sep:"none" name:"peer" help:"Peer addresses of all nodes, this one first unless --index is given. Clients are served at the peer port + 1000, the admin listener is at + 2000."`

	Index       int  `default:"0" placeholder:"N" group:"Addresses:" help:"Which of the peers this node is, counted from 0 (${default})."`
	Listen      Addr `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address for clients; port 0 picks a free one (${default})."`
	AdminListen Addr `placeholder:"HOST:PORT" group:"Addresses:" help:"Address for health checks (loopback, at the client port + 1000)."`
}

// Derive fills in the addresses that follow from others, records that in p, and says what is wrong with the addresses,
// if anything. Peers count as given on the command line: they win over a Listen and an AdminListen from elsewhere,
// and only flags win over them.
func (a *Addresses) Derive(p Provenance) error {
	if err := a.derive(p); err != nil {
		return err
	}
	if a.Listen == a.AdminListen && a.Listen.Port() != 0 {
		return fmt.Errorf("--listen and --admin-listen are both %s: they need an address each", a.Listen)
	}
	return nil
}

func (a *Addresses) derive(p Provenance) error {
	switch {
	case len(a.Peers) > 0:
		return a.deriveFromPeer(p)
	case a.Index != 0:
		return fmt.Errorf("--index %d: it counts the peer addresses given as arguments, and there are none", a.Index)
	case a.AdminListen == "":
		return a.deriveAdmin(p)
	}
	return nil
}

func (a *Addresses) deriveAdmin(p Provenance) error {
	host, port, err := splitAddr(string(a.Listen), wantAddr)
	if err != nil {
		return err
	}
	by := adminAboveClient
	if port == 0 {
		by = 0
	}
	a.AdminListen, err = above(loopbackFor(host), port, by, "--admin-listen")
	if err != nil {
		return fmt.Errorf("no admin address follows from --listen %s: %w", a.Listen, err)
	}
	p["admin-listen"] = fmt.Sprintf("listen, port + %d", by)
	return nil
}

func (a *Addresses) deriveFromPeer(p Provenance) error {
	self, err := a.self()
	if err != nil {
		return err
	}
	host, port, err := splitPeer(self)
	if err != nil {
		return err
	}
	set := func(field *Addr, flag, host string, by int) error {
		if p[flag] == fromFlag {
			return nil
		}
		addr, err := above(host, port, by, "--"+flag)
		if err != nil {
			return fmt.Errorf("peer %s: %w", self, err)
		}
		*field, p[flag] = addr, fmt.Sprintf("argument %s, port + %d", self, by)
		return nil
	}
	if err := set(&a.Listen, "listen", host, clientAbovePeer); err != nil {
		return err
	}
	return set(&a.AdminListen, "admin-listen", loopbackFor(host), clientAbovePeer+adminAboveClient)
}

// self is the peer address of this node.
func (a *Addresses) self() (string, error) {
	var seen []string
	for _, peer := range a.Peers {
		host, port, err := splitPeer(peer)
		if err != nil {
			return "", err
		}
		name := net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port))
		if slices.Contains(seen, name) {
			return "", fmt.Errorf("peer %s is given twice", peer)
		}
		seen = append(seen, name)
	}
	if a.Index < 0 || a.Index >= len(a.Peers) {
		return "", fmt.Errorf("--index %d: with %d peer addresses it is from 0 to %d", a.Index, len(a.Peers), len(a.Peers)-1)
	}
	if len(a.Peers) > 1 {
		return "", fmt.Errorf("%d peers: this version doesn't support clusters of several nodes yet; "+
			"give one address, as in: scurry %s", len(a.Peers), a.Peers[a.Index])
	}
	return a.Peers[a.Index], nil
}

const wantPeer = "HOST:PORT such as 127.0.0.1:8001"

// splitPeer is splitAddr for an address that other nodes are to dial.
func splitPeer(peer string) (host string, port int, err error) {
	host, port, err = splitAddr(peer, wantPeer)
	if err != nil {
		return "", 0, fmt.Errorf("peer address: %w", err)
	}
	ip, _ := netip.ParseAddr(host)
	if host == "" || ip.IsUnspecified() || port == 0 {
		return "", 0, fmt.Errorf("peer address %s: other nodes can't dial it; name this node's host and port, "+
			"and set --listen to serve clients on other interfaces", peer)
	}
	return host, port, nil
}
