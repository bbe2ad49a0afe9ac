package config

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/hostport"
)

// Addresses is where a node listens, in the long form (Listen) or the short one (Nodes).
type Addresses struct {
	Nodes []string `arg:"" optional:"" sep:"none" name:"node" help:"Peer addresses of all nodes, this one first unless --index is given. Clients are served at the peer port + 1000, the admin listener is at + 2000."`

	Index       int  `default:"0" placeholder:"N" group:"Addresses:" help:"Which of the peers this node is, counted from 0 (${default})."`
	Listen      Addr `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address for clients; port 0 picks a free one (${default})."`
	AdminListen Addr `placeholder:"HOST:PORT" group:"Addresses:" help:"Address for operators: health, metrics, explain (loopback, at the client port + 1000)."`
}

// Derive fills in the addresses that follow from others, records that in p, and returns what is
// wrong with the addresses. Nodes are part of the command line: they win over a Listen and an
// AdminListen from elsewhere, and only flags win over them.
func (a *Addresses) Derive(p Provenance) error {
	var err error
	switch {
	case len(a.Nodes) > 0:
		err = a.deriveFromNodes(p)
	case a.Index != 0:
		err = fmt.Errorf("--index %d: it counts the peer addresses given as arguments, "+
			"and there are none", a.Index)
	case a.AdminListen == "":
		err = a.deriveAdmin(p)
	}
	return cmp.Or(err, a.apart())
}

// apart returns an error if two of a node's listeners, those of a and others, have the same
// address.
func (a *Addresses) apart(others ...listener) error {
	own := []listener{{"--listen", a.Listen}, {"--admin-listen", a.AdminListen}}
	seen := map[Addr]string{}
	for _, l := range append(own, others...) {
		if other := seen[l.addr]; other != "" && l.addr.Port() != 0 {
			return fmt.Errorf("%s and %s are both %s: they need an address each",
				other, l.flag, l.addr)
		}
		seen[l.addr] = l.flag
	}
	return nil
}

type listener struct {
	flag string
	addr Addr
}

func (a *Addresses) deriveAdmin(p Provenance) (err error) {
	host, port := a.Listen.split()
	from := base{port, "listen", "no admin address follows from --listen " + string(a.Listen)}
	by := adminAboveClient
	if port == 0 {
		by = 0
	}
	a.AdminListen, err = from.follow(loopbackFor(host), by, "admin-listen", p)
	return err
}

func (a *Addresses) deriveFromNodes(p Provenance) error {
	self, err := a.self()
	if err != nil {
		return err
	}
	host, port := Addr(self).split()
	from := base{port, "argument " + self, "peer " + self}
	if p["listen"] != fromFlag {
		a.Listen, err = from.follow(host, clientAbovePeer, "listen", p)
	}
	if p["admin-listen"] != fromFlag && err == nil {
		const by = clientAbovePeer + adminAboveClient
		a.AdminListen, err = from.follow(loopbackFor(host), by, "admin-listen", p)
	}
	return err
}

// base is a port from which the ports of other addresses follow.
type base struct {
	port   uint16
	source string // of what follows
	blame  string // begins an error
}

// follow returns the address on host with the port that is by above b's, for a setting whose source
// it notes in p.
func (b base) follow(host string, by int, setting string, p Provenance) (Addr, error) {
	port := int(b.port) + by
	if port > math.MaxUint16 {
		return "", fmt.Errorf("%s: port %d + %d is above %d: choose a lower port, or set --%s",
			b.blame, b.port, by, math.MaxUint16, setting)
	}
	p[setting] = fmt.Sprintf("%s, port + %d", b.source, by)
	return Addr(net.JoinHostPort(host, strconv.Itoa(port))), nil
}

// self checks all of Nodes, and returns the peer address of this node.
func (a *Addresses) self() (string, error) {
	seen := map[string]bool{}
	for _, peer := range a.Nodes {
		host, port, err := hostport.SplitNode(peer, wantPeer)
		if err != nil {
			return "", fmt.Errorf("peer address: %w", err)
		}
		name := fmt.Sprint(strings.ToLower(host), " ", port)
		if seen[name] {
			return "", fmt.Errorf("peer %s is given twice", peer)
		}
		seen[name] = true
	}
	if a.Index < 0 || a.Index >= len(a.Nodes) {
		return "", fmt.Errorf("--index %d: with %d peer addresses it is from 0 to %d",
			a.Index, len(a.Nodes), len(a.Nodes)-1)
	}
	return a.Nodes[a.Index], nil
}
