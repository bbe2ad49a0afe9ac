package proxy_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestOwnerThatRestarts: an owner that comes back derives the same names for the bytes that the
// others have, so that they aren't asked for again, whatever was invalidated before it left.
func TestOwnerThatRestarts(t *testing.T) {
	const size = 12*slab + 777
	c := newCluster(t, 3, proxy.Config{})
	path := c.pathOwnedBy(0, "f")
	f := origintest.File{Size: size, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/"+path, f.ServeHTTP)
	whole := origintest.Content(1, 0, size)
	read := func(n *node) {
		t.Helper()
		n.expect(200, whole, "/files/"+path)
		for i, n := range c.nodes {
			eventually(t, fmt.Sprintf("node %d reads no more", i), func() bool { return n.Stats().LiveFills == 0 })
		}
	}
	for _, n := range c.nodes {
		read(n)
		n.read(n.do("DELETE", "/files/"+path))
	}
	read(c.nodes[1])

	c.nodes[0].Server.Close()
	c.nodes[0].Proxy.Close()
	l, err := net.Listen("tcp", c.names[0])
	if err != nil {
		t.Fatal(err)
	}
	server := origin.HTTP(c.o.Base)
	t.Cleanup(server.CloseIdleConnections)
	cluster := proxy.Cluster{Listener: l, Peers: c.names, MissedHeartbeats: 100}
	c.nodes[0] = newNode(t, proxy.Config{Origin: server, Cluster: cluster})
	c.await(3)
	before := []int64{1: c.nodes[1].Stats().OriginRequests, 2: c.nodes[2].Stats().OriginRequests}
	read(c.nodes[0])
	for i := 1; i < 3; i++ {
		if again := c.nodes[i].Stats().OriginRequests - before[i]; again > 0 {
			t.Errorf("node %d has asked the origin %d times for what it had", i, again)
		}
	}
}
