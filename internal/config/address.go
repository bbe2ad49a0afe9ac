package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/site"
)

// The distances between a node's ports.
const (
	clientAbovePeer  = 1000
	adminAboveClient = 1000
)

// Addr is a HOST:PORT to listen on. The port is a number; the host may be empty for all interfaces.
type Addr string

const wantAddr = "HOST:PORT such as 127.0.0.1:9001"

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Addr) UnmarshalText(text []byte) error {
	_, _, err := hostport.Split(string(text), wantAddr)
	*a = Addr(text)
	return err
}

// split is the parts of a, the host without the brackets of IPv6. They are empty if a is.
func (a Addr) split() (host string, port uint16) {
	host, port, _ = hostport.Split(string(a), wantAddr)
	return host, port
}

// Port is a's port.
func (a Addr) Port() int {
	_, port := a.split()
	return int(port)
}

// Host is a's host, without the brackets of IPv6.
func (a Addr) Host() string {
	host, _ := a.split()
	return host
}

// loopbackFor returns host if that is on loopback, else 127.0.0.1, so that the admin listener isn't
// exposed by default.
func loopbackFor(host string) string {
	if onLoopback(host) {
		return host
	}
	return "127.0.0.1"
}

// onLoopback reports whether host is a loopback address or the name localhost, which no other
// machine can reach.
func onLoopback(host string) bool {
	ip, _ := netip.ParseAddr(host)
	return ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// unspecified reports whether host stands for all interfaces, so that it can't be dialed.
func unspecified(host string) bool {
	ip, _ := netip.ParseAddr(host)
	return host == "" || ip.IsUnspecified()
}

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

// Mount is the path under which clients find the origin's files. It begins and ends in a slash.
type Mount string

const wantMount = "a path such as /files/"

// UnmarshalText implements encoding.TextUnmarshaler. The slash at the end may be left out.
func (m *Mount) UnmarshalText(text []byte) error {
	path, err := site.ParseMount(string(text))
	if err != nil {
		return fmt.Errorf("%w: %w", unexpected(wantMount, text), err)
	}
	*m = Mount(path)
	return nil
}
