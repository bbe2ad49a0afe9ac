package cluster

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/scurrycache/scurry/internal/hostport"
)

const (
	// A memberlist ignores those of other programs, which have another label.
	label = "scurry"

	resolveAtMost = 5 * time.Second
	anyPortTries  = 10 // a port that is free for TCP may not be for UDP
)

// open listens, and makes this node the first of its own list.
func (g *Gossip) open() error {
	logger := log.New(g.out, "", 0)
	host, port, err := hostport.Split(g.cfg.Listen, wantAddr)
	if err != nil {
		return err
	}
	var bind netip.Addr // if it stays invalid: all interfaces, of IPv4 too where there is no IPv6
	if host != "" {
		if bind, err = resolve(g.base, host); err != nil {
			return fmt.Errorf("can't listen on %s: %w", g.cfg.Listen, err)
		}
	}
	// Before there is a listener: one whose packets aren't read can't be shut down.
	own, err := g.advertise(bind)
	if err != nil {
		return err
	}
	t, err := listen(bind, port, logger)
	if err != nil {
		return fmt.Errorf("can't listen on %s: %w", g.cfg.Listen, err)
	}
	if own.Port() == 0 {
		own = netip.AddrPortFrom(own.Addr(), uint16(t.GetAutoBindPort()))
	}
	g.own = own
	g.list, err = memberlist.Create(g.options(&transport{NetTransport: t, base: g.base}, logger))
	if err != nil {
		_ = t.Shutdown()
	}
	return err
}

// listen opens the port for TCP and UDP.
func listen(ip netip.Addr, port uint16, logger *log.Logger) (
	t *memberlist.NetTransport, err error) {
	host := ""
	if ip.IsValid() {
		host = ip.String()
	}
	for range anyPortTries {
		t, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{host}, BindPort: int(port), Logger: logger,
		})
		if err == nil {
			return t, nil
		}
		if port != 0 {
			break
		}
	}
	return nil, listenError(net.JoinHostPort(host, strconv.Itoa(int(port))), err)
}

// listenError returns why a port can't be listened on, of which err, memberlist's error, has only
// the text. It returns err if the port is free by now.
func listenError(addr string, err error) error {
	l, tcp := net.Listen("tcp", addr)
	if tcp != nil {
		return tcp
	}
	_ = l.Close()
	p, udp := net.ListenPacket("udp", addr)
	if udp != nil {
		return udp
	}
	_ = p.Close()
	return err
}

// advertise returns the address at which others reach this node, which listens on bind. Its port is
// 0 if it is the one that is listened on.
func (g *Gossip) advertise(bind netip.Addr) (netip.AddrPort, error) {
	addr := cmp.Or(g.cfg.Advertise, g.cfg.PeerAddr)
	host, port, _ := hostport.SplitNode(addr, wantAddr) // it has been checked
	if g.cfg.Advertise == "" {
		if bind.IsValid() && !bind.IsUnspecified() {
			return netip.AddrPortFrom(bind, 0), nil
		}
		port = 0
	}
	ip, err := resolve(g.base, host)
	if err != nil {
		err = fmt.Errorf("can't tell where other nodes reach %s: give an address to advertise: %w",
			g.cfg.Listen, err)
	}
	return netip.AddrPortFrom(ip, port), err
}

// resolve returns host's address, an IPv4 one if there is any.
func resolve(ctx context.Context, host string) (netip.Addr, error) {
	ips, err := resolveAll(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	return ips[max(0, slices.IndexFunc(ips, netip.Addr.Is4))], nil
}

// resolveAll returns all of host's addresses, at least one.
func resolveAll(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveAtMost)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}

func (g *Gossip) options(t memberlist.Transport, logger *log.Logger) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name, c.Label, c.SecretKey = g.cfg.PeerAddr, label, g.cfg.Key
	c.Transport, c.Logger = t, logger
	c.AdvertiseAddr, c.AdvertisePort = g.own.Addr().String(), int(g.own.Port())
	c.Events, c.Conflict = &g.roster, &g.roster

	// As DefaultLANConfig has it for a Probe of a second.
	probe := g.cfg.Probe
	c.ProbeInterval, c.ProbeTimeout, c.GossipInterval = probe, probe/2, probe/5
	c.GossipToTheDeadTime, c.TCPTimeout = 30*probe, min(10*probe, c.TCPTimeout)

	// A node that died may come back at another address, as a pod does. It is let in at the first
	// exchange after it was found dead, and so there are more of them.
	c.DeadNodeReclaimTime, c.PushPullInterval = probe, 10*probe
	return c
}

// transport is memberlist's, with connections that don't outlive base: else a call of Join couldn't
// be ended.
type transport struct {
	*memberlist.NetTransport
	base context.Context
}

func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (
	net.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	c, err := d.DialContext(t.base, "tcp", a.Addr)
	if err != nil {
		return nil, err
	}
	return conn{c, context.AfterFunc(t.base, func() { _ = c.Close() })}, nil
}

type conn struct {
	net.Conn
	stop func() bool
}

func (c conn) Close() error {
	c.stop()
	return c.Conn.Close()
}
