package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestOwnerThatRestarts: an owner that comes back derives the same names for the bytes that the
// others have, so that they aren't asked for again, whatever was invalidated before it left: by
// removing what the origin goes on to name as before, or by writing what it names anew.
func TestOwnerThatRestarts(t *testing.T) {
	t.Run("removed", func(t *testing.T) {
		ownerRestarts(t, func(n *node, path string, _ *origintest.File) { n.Remove(path) })
	})
	t.Run("written", func(t *testing.T) {
		writes := 0
		ownerRestarts(t, func(n *node, path string, f *origintest.File) {
			n.read(n.do("DELETE", "/files/"+path))
			writes++
			f.ETag = fmt.Sprintf(`"%d-written"`, writes)
		})
	})
}

func ownerRestarts(t *testing.T, invalidate func(n *node, path string, f *origintest.File)) {
	t.Helper()
	const size = 12*slab + 777
	c := newCluster(t, 3, proxy.Config{Memory: 16 << 20}) // nothing is evicted
	path := c.pathOwnedBy(0, "f")
	f := origintest.File{Size: size, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/"+path, f.ServeHTTP)
	whole := origintest.Content(1, 0, size)
	read := func(n *node) {
		t.Helper()
		n.expect(200, whole, "/files/"+path)
		for i, n := range c.nodes {
			eventually(t, fmt.Sprintf("node %d reads no more", i),
				func() bool { return n.Stats().LiveFills == 0 })
		}
	}
	for _, n := range c.nodes {
		read(n)
		invalidate(n, path, &f)
		c.o.Handle("/"+path, f.ServeHTTP)
	}
	for asked := -1; asked != c.o.Count(); { // until each slab is where it belongs
		asked = c.o.Count()
		for _, n := range c.nodes {
			read(n)
		}
	}

	c.restart(0, 16<<20)
	before := []int64{1: c.nodes[1].Stats().OriginRequests, 2: c.nodes[2].Stats().OriginRequests}
	read(c.nodes[0])
	for i := 1; i < 3; i++ {
		if again := c.nodes[i].Stats().OriginRequests - before[i]; again > 0 {
			t.Errorf("node %d has asked the origin %d times for what it had", i, again)
		}
	}
	if got := c.nodes[0].Stats().OriginBytes; got >= size {
		t.Errorf("the owner has read %d bytes from the origin, as if the others had none", got)
	}
}

// TestMissedInvalidationIsLearnt: a node that couldn't be told of a write learns of it when contact
// returns, from whichever side, and answers from all else that it has as before.
func TestMissedInvalidationIsLearnt(t *testing.T) {
	for _, cut := range []int{0, 1} { // the node that is dialed in vain
		c := newFenced(t, 2, proxy.Config{Cluster: proxy.Cluster{
			Heartbeat: 10 * time.Millisecond, MissedHeartbeats: 20, Lease: time.Minute}})
		written := c.pathOwnedBy(0, "w")
		other := c.pathOwnedBy(0, "o")
		for _, path := range []string{written, other} {
			f := origintest.File{Size: 3000, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
			c.o.Handle("/"+path, f.ServeHTTP)
			for _, n := range c.nodes {
				n.expect(200, origintest.Content(1, 0, 3000), "/files/"+path)
			}
		}
		c.gates[cut].refuse()
		eventually(t, "a node is missed", func() bool { return len(c.nodes[1-cut].Stats().Ring) == 1 })
		f := origintest.File{Size: 3000, Seed: 2, ETag: `"2"`, Header: maxAge("600")}
		c.o.Handle("/"+written, f.ServeHTTP)
		c.nodes[1-cut].read(c.nodes[1-cut].do("PUT", "/files/"+written))
		c.gates[cut].open()
		c.await(2)
		c.o.Forget()
		for _, n := range c.nodes {
			n.expect(200, origintest.Content(2, 0, 3000), "/files/"+written)
			n.cacheStatus(n.expect(200, origintest.Content(1, 0, 3000), "/files/"+other), "hit")
		}
		for _, r := range c.o.Requests() {
			if strings.HasPrefix(r.URI, "/"+other) {
				t.Errorf("node %d was cut off: the origin was asked for %s", cut, r.URI)
			}
		}
	}
}

// TestMissedInvalidationGetsNoOldBytes: a node that couldn't be told of a write, and has a copy of
// what was stored before, gets none of its bytes from a node that has been told, and answers with
// the new ones.
func TestMissedInvalidationGetsNoOldBytes(t *testing.T) {
	c := newFenced(t, 3, proxy.Config{Cluster: proxy.Cluster{MissedHeartbeats: 100,
		Lease: time.Minute}})
	path := c.pathOwnedBy(1, "f")
	f := origintest.File{Size: 50000, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[1].expect(200, origintest.Content(1, 0, 50000), "/files/"+path)
	c.nodes[2].expect(206, origintest.Content(1, 0, 10), "/files/"+path, "Range: bytes=0-9")
	c.gates[2].refuse() // it can't be asked, but asks
	f.Seed, f.ETag = 2, `"2"`
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[0].read(c.nodes[0].do("PUT", "/files/"+path))
	for _, start := range []int64{40000, 0} {
		part := fmt.Sprintf("Range: bytes=%d-%d", start, start+9)
		c.nodes[2].expect(206, origintest.Content(2, start, start+10), "/files/"+path, part)
	}
}

// unlisted is a source of nodes that doesn't know them before it is told to list them.
type unlisted struct {
	static
	now chan struct{}
}

func (u *unlisted) Watch(ctx context.Context, set func([]string)) error {
	<-u.now
	return u.static.Watch(ctx, set)
}

// TestWaitForPeersWaitsForTheList: it doesn't return before the nodes are known, unless its context
// ends.
func TestWaitForPeersWaitsForTheList(t *testing.T) {
	listeners, names := listenForPeers(t, 1)
	members := &unlisted{names, make(chan struct{})}
	n := newNode(t, proxy.Config{
		Origin:  http.DefaultTransport,
		Cluster: proxy.Cluster{Listener: listeners[0], Self: names[0], Members: members},
	})
	waiting := make(chan error, 1)
	go func() { waiting <- n.WaitForPeers(t.Context()) }()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := n.WaitForPeers(ended); err != nil { // no node is known that it could wait for
		t.Error(err)
	}
	select {
	case err := <-waiting:
		t.Errorf("it returns before the nodes are known: %v", err)
	default:
	}
	close(members.now)
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}
