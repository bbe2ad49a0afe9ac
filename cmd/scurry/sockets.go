package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/scurrycache/scurry/internal/config"
)

// The names that sockets have, by the FileDescriptorName of their units.
const (
	clientSocket = "client"
	adminSocket  = "admin"
	peerSocket   = "peer"
)

// sockets are listeners that the service manager has opened and passed to this process, by name.
// The manager keeps them open, so connections wait while a process is replaced by another one.
type sockets map[string]*net.TCPListener

// passedSockets returns what the service manager has passed, for one call.
func passedSockets() (sockets, error) {
	passed := sockets{}
	for _, file := range activation.Files(true) {
		listener, err := net.FileListener(file) // which is a copy
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("the socket %q that was passed to this process: %w", file.Name(),
				err)
		}
		tcp, ok := listener.(*net.TCPListener)
		if _, twice := passed[file.Name()]; !ok || twice {
			return nil, usagef("the socket %q that was passed to this process: expected one that "+
				"listens for TCP, of each name", file.Name())
		}
		passed[file.Name()] = tcp
	}
	return passed, nil
}

// listen returns the socket of that name, if it was passed and is at addr, or else listens on addr.
// An error says how to choose another address.
func (s sockets) listen(name string, addr config.Addr, choose string) (net.Listener, error) {
	passed, ok := s[name]
	if !ok {
		return listenAt(addr, choose)
	}
	delete(s, name)
	if at := passed.Addr().(*net.TCPAddr); !sameAddress(addr, at.AddrPort()) {
		_ = passed.Close()
		return nil, usagef("the socket %q that was passed to this process is at %s, "+
			"and not at %s: give its address %s", name, at, addr, choose)
	}
	raw, err := passed.SyscallConn()
	if err == nil {
		err = keepUnsentLow("", "", raw)
	}
	return passed, err
}

// sameAddress reports whether a socket at at is what a node listens on that was told to listen on
// addr. All that follows from addr, such as who can reach it, is true of the socket then.
func sameAddress(addr config.Addr, at netip.AddrPort) bool {
	if addr.Port() != int(at.Port()) && addr.Port() != 0 {
		return false
	}
	if ip, _ := netip.ParseAddr(addr.Host()); addr.Host() == "" || ip.IsUnspecified() {
		return at.Addr().IsUnspecified()
	}
	ips, err := net.LookupIP(addr.Host()) // of an address, it is that
	return err == nil && slices.ContainsFunc(ips, func(ip net.IP) bool {
		is, _ := netip.AddrFromSlice(ip)
		return is.Unmap() == at.Addr().Unmap().WithZone("")
	})
}

// check returns an error if there are sockets that a node has no use for. One that isn't clustered
// has none for peers.
func (s sockets) check(clustered bool) error {
	var unused []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if name != clientSocket && name != adminSocket && (name != peerSocket || !clustered) {
			unused = append(unused, name)
		}
	}
	if unused == nil {
		return nil
	}
	return usagef("sockets were passed to this process that it has no use for: %s; it uses those "+
		"whose units have FileDescriptorName=%s, =%s, and =%s if there is a --peer-listen",
		strings.Join(unused, ", "), clientSocket, adminSocket, peerSocket)
}

// close closes what is left.
func (s sockets) close() {
	for _, l := range s {
		_ = l.Close()
	}
}

// listenAt listens on addr. Its error says how to choose another address.
func listenAt(addr config.Addr, choose string) (net.Listener, error) {
	config := net.ListenConfig{Control: keepUnsentLow}
	config.SetMultipathTCP(false) // its listeners can't be drained without a loss
	listener, err := config.Listen(context.Background(), "tcp", string(addr))
	if err != nil {
		return nil, cannotListen(addr, choose, err)
	}
	return listener, nil
}

// cannotListen is the error for a user when listening on addr has failed with err.
func cannotListen(addr config.Addr, choose string, err error) error {
	what, cause := string(addr), err
	if op, ok := errors.AsType[*net.OpError](err); ok {
		cause = op.Err
		if op.Net == "udp" { // gossip needs the port for TCP as well, which a user thinks of first
			what += " (UDP)"
		}
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		cause = call.Err
	}
	return fmt.Errorf("can't listen on %s: %w; choose another address %s", what, cause, choose)
}
