package config

import (
	"fmt"
	"strings"

	"github.com/scurrycache/scurry/internal/hostport"
)

// PeerAddr is a HOST:PORT that other nodes can dial: it has a host, of one machine, and a port.
type PeerAddr string

const wantPeer = "HOST:PORT such as 127.0.0.1:8001"

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *PeerAddr) UnmarshalText(text []byte) error {
	*a = PeerAddr(text)
	return dialable(string(text), wantPeer, "other nodes can't dial it")
}

// dialable returns an error if s isn't an address, as want describes it, that a node can dial. The
// problem is named if s lacks a host or a port.
func dialable(s, want, problem string) error {
	host, port, err := hostport.Split(s, want)
	if err == nil && (unspecified(host) || port == 0) {
		err = fmt.Errorf("expected %s, not %q: %s", want, s, problem)
	}
	return err
}

// splitPeer is hostport.Split for a peer address that is an argument.
func splitPeer(peer string) (host string, port uint16, err error) {
	host, port, err = hostport.Split(peer, wantPeer)
	switch {
	case err != nil:
		err = fmt.Errorf("peer address: %w", err)
	case unspecified(host) || port == 0:
		err = fmt.Errorf("peer address %s: other nodes can't dial it; name this node's host and "+
			"port, and set --listen to serve clients on other interfaces", peer)
	}
	return host, port, err
}

// PeerList is one PeerAddr or several, with commas between them.
type PeerList string

const wantPeerList = "HOST:PORT such as 127.0.0.1:7946, or several with commas between them"

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *PeerList) UnmarshalText(text []byte) error {
	for word := range strings.SplitSeq(string(text), ",") {
		err := dialable(strings.TrimSpace(word), wantPeerList, "this node couldn't dial it")
		if err != nil {
			return err
		}
	}
	*l = PeerList(strings.ReplaceAll(string(text), " ", ""))
	return nil
}

// Addrs is the addresses of l.
func (l PeerList) Addrs() []string {
	if l == "" {
		return nil
	}
	return strings.Split(string(l), ",")
}

// PeerSource is where the addresses of all nodes come from: a list of them, dns:NAME:PORT, or
// file:PATH. Package cluster parses it. Here it is only checked that it isn't empty.
type PeerSource string

const wantPeerSource = "the peer addresses of all nodes with commas between them, " +
	"dns:NAME:PORT, or file:PATH"

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *PeerSource) UnmarshalText(text []byte) error {
	if strings.Trim(string(text), " ,") == "" {
		return unexpected(wantPeerSource, text)
	}
	*s = PeerSource(strings.TrimSpace(string(text)))
	return nil
}

// fromDNS reports whether the addresses come from DNS, which knows nodes by their IPs.
func (s PeerSource) fromDNS() bool { return strings.HasPrefix(string(s), "dns:") }
