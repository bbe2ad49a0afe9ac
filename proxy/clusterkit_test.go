package proxy_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// cluster is nodes in front of one origin, each with a client listener and a peer listener of its
// own.
type cluster struct {
	nodes []*node
	names []string // of the nodes, as peers know them
	o     *origintest.Origin
	t     testing.TB
}

// listenForPeers opens peer listeners, for a test that makes a cluster of its own: it needn't be
// run once more among peers.
func listenForPeers(t testing.TB, n int) (listeners []net.Listener, names []string) {
	t.Helper()
	if amongPeers > 1 {
		t.Skip("it makes its own cluster")
	}
	return openForPeers(t, n)
}

func openForPeers(t testing.TB, n int) (listeners []net.Listener, names []string) {
	t.Helper()
	for range n {
		l := origintest.Listen(t)
		listeners, names = append(listeners, l), append(names, l.Addr().String())
	}
	return listeners, names
}

// newCluster makes n nodes that know each other. No peer of theirs counts as dead for being slow,
// unless cfg says so.
func newCluster(t testing.TB, n int, cfg proxy.Config, adjust ...func(i int,
	cfg *proxy.Config)) *cluster {
	t.Helper()
	if raceEnabled && amongPeers > 1 {
		t.Skip("it makes its own cluster, and is slow under the race detector, which has seen it")
	}
	c := &cluster{o: origintest.New(t), t: t}
	c.o.Now = cfg.Now
	server := origin.HTTP(c.o.Base)
	t.Cleanup(server.CloseIdleConnections)
	if cfg.Origin == nil {
		cfg.Origin = server
	}
	var listeners []net.Listener
	listeners, c.names = listenForPeers(t, n)
	if cfg.Cluster.MissedHeartbeats == 0 {
		cfg.Cluster.MissedHeartbeats = 100
	}
	for i, l := range listeners {
		own := cfg
		for _, f := range adjust {
			f(i, &own)
		}
		own.Cluster.Listener = l
		if own.Cluster.Members == nil {
			own.Cluster.Peers = c.names
		}
		c.nodes = append(c.nodes, newNode(t, own))
	}
	c.await(n)
	return c
}

// await waits until the first n nodes have each other in their rings, and nobody else.
func (c *cluster) await(n int) {
	c.t.Helper()
	names := slices.Sorted(slices.Values(c.names[:n]))
	for i, node := range c.nodes[:n] {
		eventually(c.t, fmt.Sprintf("node %d has %v in its ring", i, names), func() bool {
			return slices.Equal(node.Stats().Ring, names)
		})
	}
}

// eventually waits for what comes to be so in its own time.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so after 30 s: %s", what)
		}
	}
}

// restart ends node i, and has another in its place, which knows nothing.
func (c *cluster) restart(i int, memory int64) {
	c.t.Helper()
	c.nodes[i].Server.Close()
	c.nodes[i].Proxy.Close()
	l, err := net.Listen("tcp", c.names[i])
	if err != nil {
		c.t.Fatal(err)
	}
	server := origin.HTTP(c.o.Base)
	c.t.Cleanup(server.CloseIdleConnections)
	cluster := proxy.Cluster{Listener: l, Peers: c.names, MissedHeartbeats: 100}
	c.nodes[i] = newNode(c.t, proxy.Config{Origin: server, Memory: memory, Cluster: cluster})
	c.await(len(c.nodes))
}

// owner is the node that owns path, by what the log of a request would say.
func (c *cluster) owner(path string) int {
	c.t.Helper()
	return slices.Index(c.names, c.nodes[0].Owner(path))
}

// other is a node that doesn't own path.
func (c *cluster) other(path string) *node { return c.nodes[(c.owner(path)+1)%len(c.nodes)] }

// slabOwners tells which of all owns each slab of the file of that size at /files/f and so on,
// where name is what comes after the f: that one asks the origin for a part of it. The file is
// asked for by another spelling, which has the same owners.
func slabOwners(n *node, o *origintest.Origin, all []*proxy.Proxy, name string,
	f origintest.File) (owners []int) {
	n.t.Helper()
	o.Handle("/%66"+name, f.ServeHTTP)
	asked := func() (counts []int64) {
		for _, p := range all {
			counts = append(counts, p.Stats().OriginRequests)
		}
		return counts
	}
	for at := int64(0); at < f.Size; at += slab {
		before := asked()
		n.expect(206, origintest.Content(f.Seed, at, at+1), "/files/%66"+name,
			fmt.Sprintf("Range: bytes=%d-%d", at, at))
		owner, after := -1, asked()
		for i := range all {
			if after[i] > before[i] && owner < 0 {
				owner = i
			} else if after[i] > before[i] {
				n.t.Errorf("nodes %d and %d both asked for the part at %d", owner, i, at)
			}
		}
		owners = append(owners, owner)
	}
	return owners
}

// spans counts the runs of slabs that have one owner: the body that is open at the border of two
// that have different ones is taken over there, by one request, and any other is read on.
func spans(owners []int) int { return max(1, len(slices.Compact(slices.Clone(owners)))) }
