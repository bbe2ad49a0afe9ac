package proxy_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestExplainUnreachable: the origin can't be asked.
func TestExplainUnreachable(t *testing.T) {
	n := newNode(t, proxy.Config{Origin: unreachable{}})
	tells(t, n.explain(true, "GET", "/files/a"), "asked just now, for 8s at most, it failed: ",
		"connection refused", "a client would get a 502")
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
}

// TestExplainAmongNodes: who owns what, what the owner has, and what a copy is good for.
func TestExplainAmongNodes(t *testing.T) {
	oneNode(t)
	clock := newClock()
	c := newCluster(t, 3, proxy.Config{Now: clock.Now})
	c.o.Handle("/a", origintest.File{Size: 9, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	owner, other := c.nodes[c.owner("a")], c.other("a")
	name := c.names[c.owner("a")]

	e := other.explain(false, "GET", "/files/a")
	tells(t, e, "nothing is stored for it", "fetched from the origin", "It goes by its owner, "+
		name, "Owner        "+name+" knows all", "This node is "+c.names[slices.Index(c.nodes,
		other)])
	owner.get("/files/a")
	tells(t, owner.explain(false, "GET", "/files/a"), "Selected     status 200", "Owner        "+
		name+", which is this node")

	c.o.Forget()
	for range 2 { // and no copy is left here by asking
		e = other.explain(true, "GET", "/files/a")
		tells(t, e, "it is fresh", "It goes by its owner, "+name,
			"At its owner status 200\ncontent      9 bytes")
		if !slices.Equal(named(e, "Stored"), []string{"nothing"}) || named(e, "Selected") != nil ||
			named(e, "copy") != nil || c.o.Count() > 0 {
			t.Errorf("%d origin requests\n%s", c.o.Count(), e)
		}
	}
	resp, _ := other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "Selected     status 200", "answered from memory", "copy         of what "+name+
		" owns, used until")
	_, copied, _ := strings.Cut(strings.Join(named(e, "copy"), ""), "used until ")
	until, err := time.Parse("2006-01-02 15:04:05 UTC", copied[:min(len(copied), 23)])
	if len(named(e, "Selected")) != 1 || named(e, "Stored") != nil || err != nil ||
		!until.After(clock.Now()) || named(e, "At its owner") != nil {
		t.Errorf("no copy:\n%s", e)
	}
	clock.Advance(6 * time.Second)
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "It goes by its owner, "+name)
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	clock.Advance(time.Minute)
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "It goes by its owner, "+name, "The origin is asked by a GET with If-None-Match: "+
		"\"1\"")
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	// The owner knows better than a stale copy.
	clock.Advance(61 * time.Second)
	owner.get("/files/a")
	c.o.Forget()
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "At its owner status 200", "it is fresh")
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())
}

// TestExplainBypassAmongNodes: the owner knows that something can't be stored; and one that can't
// be asked.
func TestExplainBypassAmongNodes(t *testing.T) {
	oneNode(t)
	c := newCluster(t, 2, proxy.Config{})
	c.o.Handle("/a", origintest.File{Size: 9,
		Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
	owner, other := c.nodes[c.owner("a")], c.other("a")
	owner.get("/files/a")
	c.o.Forget()
	e := other.explain(true, "GET", "/files/a")
	tells(t, e, "its no-store forbids it", "At its owner status 200\ncontent      9 bytes")
	resp, _ := other.get("/files/a")
	happened(t, e, resp, c.o.Requests())
}
