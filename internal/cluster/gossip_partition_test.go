package cluster

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// relay passes what comes to its address on, over TCP and UDP. While it is cut, it passes on a
// friend's packets only, which is enough for friends to know each other alive. UDP needs no way
// back: nodes answer to the address that a sender advertises.
type relay struct {
	to, friend string
	dropped    chan struct{} // one for each packet that isn't passed on

	tcp net.Listener
	udp net.PacketConn
	wg  sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

func newRelay(t *testing.T, to, friend string) *relay {
	t.Helper()
	r := &relay{to: to, friend: friend, dropped: make(chan struct{}, 1000),
		conns: map[net.Conn]bool{}}
	var err error
	for range 10 {
		if r.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			continue
		}
		if r.udp, err = net.ListenPacket("udp", r.addr()); err == nil {
			break
		}
		_ = r.tcp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.wg.Go(r.streams)
	r.wg.Go(r.packets)
	t.Cleanup(func() {
		_, _ = r.tcp.Close(), r.udp.Close()
		r.set(true)
		r.wg.Wait()
	})
	return r
}

func (r *relay) addr() string { return r.tcp.Addr().String() }

// set cuts the relay, or heals it.
func (r *relay) set(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	for c := range r.conns {
		_ = c.Close()
	}
	clear(r.conns)
}

// keep reports whether c may go on, until the relay is cut.
func (r *relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.cut {
		r.conns[c] = true
	}
	return !r.cut
}

// quiet waits until nothing is left to be dropped.
func (r *relay) quiet() {
	for {
		select {
		case <-r.dropped:
		case <-time.After(10 * probe):
			return
		}
	}
}

func (r *relay) passes(from net.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.cut || from.String() == r.friend
}

func (r *relay) streams() {
	for {
		c, err := r.tcp.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.stream(c) })
	}
}

func (r *relay) stream(c net.Conn) {
	defer c.Close()
	if !r.keep(c) {
		return
	}
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer to.Close()
	if !r.keep(to) {
		return
	}
	r.wg.Go(func() {
		_, _ = io.Copy(to, c)
		_ = to.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(c, to)
}

func (r *relay) packets() {
	to, err := net.ResolveUDPAddr("udp", r.to)
	if err != nil {
		return
	}
	b := make([]byte, 1<<16)
	for {
		n, from, err := r.udp.ReadFrom(b)
		if err != nil {
			return
		}
		if r.passes(from) {
			_, _ = r.udp.WriteTo(b[:n], to)
			continue
		}
		select {
		case r.dropped <- struct{}{}:
		default:
		}
	}
}

// Two halves that can't reach each other take each other for dead. When they can again they find
// together, though no node in them is alone.
func TestGossipPartition(t *testing.T) {
	t.Parallel()
	peers := []string{"a:1", "b:2", "c:3", "d:4"}
	var listen, join []string
	for range peers {
		listen = append(listen, freeAddr(t))
	}
	var relays []*relay
	for i, addr := range listen {
		r := newRelay(t, addr, listen[i^1])
		relays, join = append(relays, r), append(join, r.addr())
	}
	var nodes []*node
	for i, peer := range peers {
		nodes = append(nodes, gossip(t, peer, GossipConfig{Listen: listen[i],
			advertise: netip.MustParseAddrPort(join[i]), Join: join}))
	}
	cut := func(cut bool) {
		for _, r := range relays {
			r.set(cut)
		}
	}
	until := func(nodes []*node, peers ...string) {
		t.Helper()
		for _, n := range nodes {
			n.until(peers...)
		}
	}
	until(nodes, peers...)
	cut(true)
	until(nodes[:2], "a:1", "b:2")
	until(nodes[2:], "c:3", "d:4")
	for _, r := range relays {
		// else what the halves still have to say about each other would bring them together
		r.quiet()
	}
	cut(false)
	until(nodes, peers...)
}
