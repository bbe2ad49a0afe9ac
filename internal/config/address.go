package config

import (
	"net/netip"
	"strings"

	"github.com/scurrycache/scurry/internal/hostport"
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
