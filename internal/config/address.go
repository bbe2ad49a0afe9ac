package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// How far a node's ports lie apart.
const (
	clientAbovePeer  = 1000
	adminAboveClient = 1000
	maxPort          = 65535
)

// Addr is a HOST:PORT to listen on. The port is a number; the host may be empty for all interfaces.
type Addr string

const wantAddr = "HOST:PORT such as 127.0.0.1:9001"

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Addr) UnmarshalText(text []byte) error {
	_, _, err := splitAddr(string(text), wantAddr)
	if err != nil {
		return err
	}
	*a = Addr(text)
	return nil
}

// Port is a's port.
func (a Addr) Port() int {
	_, port, _ := splitAddr(string(a), wantAddr)
	return port
}

// Host is a's host, without the brackets of IPv6.
func (a Addr) Host() string {
	host, _, _ := splitAddr(string(a), wantAddr)
	return host
}

// splitAddr is the parts of s, which an error says to be expected as want has it.
func splitAddr(s, want string) (host string, port int, err error) {
	if scheme, rest, found := strings.Cut(s, "://"); found {
		return "", 0, fmt.Errorf("expected %s, not %q: leave out %s://%s", want, s, scheme, pathHint(rest))
	}
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, fmt.Errorf("expected %s, not %q: %s", want, s, addrProblem(s, err))
	}
	if !isPort(digits) {
		return "", 0, fmt.Errorf("expected %s, not %q: a port is a number from 0 to %d", want, s, maxPort)
	}
	port, err = strconv.Atoi(digits)
	return host, port, err
}

func pathHint(rest string) string {
	if strings.Contains(rest, "/") {
		return " and the path"
	}
	return ""
}

func addrProblem(s string, err error) string {
	var problem *net.AddrError
	switch {
	case !strings.Contains(s, ":"):
		return "it has no port"
	case errors.As(err, &problem):
		return problem.Err
	}
	return err.Error()
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n <= maxPort
}

// above is the address on host whose port lies by more than port. If it would lie too high, the error says which flag
// sets the address otherwise.
func above(host string, port, by int, flag string) (Addr, error) {
	if port+by > maxPort {
		return "", fmt.Errorf("port %d + %d is above %d: choose a lower port, or set %s", port, by, maxPort, flag)
	}
	return Addr(net.JoinHostPort(host, strconv.Itoa(port+by))), nil
}

// loopbackFor is host if that is on loopback, else 127.0.0.1: what administers a node isn't exposed unless asked for.
func loopbackFor(host string) string {
	if onLoopback(host) {
		return host
	}
	return "127.0.0.1"
}

// onLoopback tells if no other machine can reach host, as far as its text tells: of names, only localhost is known.
func onLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// unspecified tells if host stands for all interfaces, so that nobody can dial it.
func unspecified(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}
