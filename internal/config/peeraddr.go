package config

import (
	"bytes"
	"strings"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/hostport"
)

// PeerAddr is a HOST:PORT that other nodes can dial: it has a host, of one machine, and a port.
type PeerAddr string

const wantPeer = "HOST:PORT such as 127.0.0.1:8001"

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *PeerAddr) UnmarshalText(text []byte) error {
	_, _, err := hostport.SplitNode(string(text), wantPeer)
	*a = PeerAddr(text)
	return err
}

// PeerList is one PeerAddr or several, with commas between them.
type PeerList string

const wantPeerList = "HOST:PORT such as 127.0.0.1:7946, or several with commas between them"

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *PeerList) UnmarshalText(text []byte) error {
	*l = PeerList(strings.ReplaceAll(string(text), " ", ""))
	for addr := range strings.SplitSeq(string(*l), ",") {
		if _, _, err := hostport.SplitNode(addr, wantPeerList); err != nil {
			return err
		}
	}
	return nil
}

// Addrs is the addresses of l.
func (l PeerList) Addrs() []string {
	if l == "" {
		return nil
	}
	return strings.Split(string(l), ",")
}

// PeerSource is where the addresses of all nodes come from, as cluster.Parse reads it: a list of
// them, dns:NAME:PORT, or file:PATH.
type PeerSource string

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *PeerSource) UnmarshalText(text []byte) error {
	*s = PeerSource(bytes.TrimSpace(text))
	_, err := cluster.Parse(string(text))
	return err
}

// fromDNS reports whether the addresses come from DNS, which knows nodes by their IPs.
func (s PeerSource) fromDNS() bool { return strings.HasPrefix(string(s), "dns:") }
