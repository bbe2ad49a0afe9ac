package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/memberlist"
	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/hostport"
)

// A memberlist ignores those of other programs, which have another label.
const label = "scurry"

// open listens, and makes this node the first of its own list.
func (g *Gossip) open() error {
	host, port, _ := hostport.Split(g.cfg.Listen, wantAddr) // it is valid
	c := g.options()
	if len(g.cfg.Keys) > 0 {
		var err error
		if g.keyring, err = memberlist.NewKeyring(g.cfg.Keys, g.cfg.Keys[0]); err != nil {
			return err
		}
		c.Keyring = g.keyring
	}
	c.BindAddr, c.BindPort, c.AdvertisePort = "", int(port), int(port)
	var own netip.Addr
	var err error
	if host != "" { // else all interfaces, of IPv4 too where there is no IPv6
		if own, err = resolveOne(g.base, host); err != nil {
			return err
		}
		c.BindAddr = own.String()
	}
	if !own.IsValid() || own.IsUnspecified() {
		host, _, _ = hostport.SplitNode(g.cfg.PeerAddr, wantAddr)
		if own, err = resolveOne(g.base, host); err != nil {
			return fmt.Errorf("can't tell where other nodes reach it: %w", err)
		}
	}
	c.AdvertiseAddr = own.String()
	if at := g.cfg.advertise; at.IsValid() {
		c.AdvertiseAddr, c.AdvertisePort = at.Addr().String(), int(at.Port())
	}
	if g.list, err = memberlist.Create(c); err != nil {
		return listenError(net.JoinHostPort(c.BindAddr, strconv.Itoa(c.BindPort)), err)
	}
	g.addr = g.list.LocalNode().Address()
	return nil
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

// resolveOne returns host's address, an IPv4 one if there is any.
func resolveOne(ctx context.Context, host string) (netip.Addr, error) {
	ips, err := resolve(ctx, net.DefaultResolver, host)
	if err != nil {
		return netip.Addr{}, err
	}
	return ips[max(0, slices.IndexFunc(ips, netip.Addr.Is4))], nil
}

// options returns memberlist's settings, but for addresses.
func (g *Gossip) options() *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name, c.Label = g.cfg.PeerAddr, label
	c.Logger = log.New(lines{g.base, g.cfg.Log}, "", 0)
	c.Events, c.Conflict = &g.members, &g.members

	// As DefaultLANConfig has it for a Probe of a second.
	probe := g.cfg.Probe
	c.ProbeInterval, c.ProbeTimeout, c.GossipInterval = probe, probe/2, probe/5
	c.GossipToTheDeadTime, c.TCPTimeout = 30*probe, min(10*probe, c.TCPTimeout)

	// A node that died may come back at another address, as a pod does. It is let in at the first
	// exchange after it was found dead, and so there are more of them.
	c.DeadNodeReclaimTime, c.PushPullInterval = probe, 10*probe
	return c
}

// lines takes memberlist's lines to a log until base ends: some of memberlist's timers fire after
// its Shutdown.
type lines struct {
	base context.Context
	log  zerolog.Logger
}

// Write takes one line.
func (l lines) Write(b []byte) (int, error) {
	if l.base.Err() == nil {
		level, line := parseLine(string(b))
		l.log.WithLevel(level).Msg(line)
	}
	return len(b), nil
}

// parseLine takes the level off a line. One without is a warning, and so is an error, since gossip
// goes on after it.
func parseLine(line string) (zerolog.Level, string) {
	line = strings.TrimSpace(line)
	level := zerolog.WarnLevel
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "[DEBUG]":
		level = zerolog.DebugLevel
	case "[INFO]":
		level = zerolog.InfoLevel
	case "[WARN]", "[ERR]", "[ERROR]", "Err:":
	default:
		return level, line
	}
	return level, strings.TrimPrefix(rest, "memberlist: ")
}

// SetKeys replaces the keys, of which there have to be some now and some before. To replace the key
// of all nodes, give each of them the new one as a second key; then each the new one first; then
// each the new one only. Each step may be taken when all nodes have taken the one before.
func (g *Gossip) SetKeys(keys [][]byte) error {
	if (len(keys) == 0) != (g.keyring == nil) {
		return errors.New("the encryption of gossip can't be turned on or off while nodes gossip")
	}
	if len(keys) == 0 {
		return nil
	}
	for _, key := range keys {
		if err := g.keyring.AddKey(key); err != nil {
			return err
		}
	}
	err := g.keyring.UseKey(keys[0])
	for _, key := range g.keyring.GetKeys() {
		same := func(k []byte) bool { return bytes.Equal(k, key) }
		if !slices.ContainsFunc(keys, same) {
			err = errors.Join(err, g.keyring.RemoveKey(key))
		}
	}
	return err
}
