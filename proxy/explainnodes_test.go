package proxy_test

import (
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestExplainUnreachable: the origin can't be asked.
func TestExplainUnreachable(t *testing.T) {
	n := newNode(t, proxy.Config{Origin: unreachable{}})
	tells(t, n.explain(true, "GET", "/files/a"), "The origin was asked just now, which failed: ", "connection refused", "A client would get a 502.")
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
	tells(t, e, "Nothing is stored for this request.", "fetched from the origin", "by way of its owner, "+name, "Its owner, "+name+", knows all", "Owner  "+name+", this node is "+e.Node)
	owner.get("/files/a")
	tells(t, owner.explain(false, "GET", "/files/a"), "A response is stored.", "Owner  "+name+", which is this node")

	c.o.Forget()
	for range 2 { // and no copy is left here by asking
		e = other.explain(true, "GET", "/files/a")
		tells(t, e, "Its owner, "+name+", has it stored. It is fresh until", "by way of its owner, "+name, "At its owner: status 200, 9 bytes")
		if len(e.Stored) > 0 || e.AtOwner == nil || e.AtOwner.CopyUntil != nil || c.o.Count() > 0 {
			t.Errorf("%d origin requests\n%s", c.o.Count(), e)
		}
	}
	resp, _ := other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "A response is stored.", "answered from memory", "It is a copy of what "+name+" owns, used until")
	if len(e.Stored) != 1 || e.Stored[0].CopyUntil == nil || !e.Stored[0].CopyUntil.After(clock.Now()) || e.AtOwner != nil {
		t.Errorf("no copy:\n%s", e)
	}
	clock.Advance(6 * time.Second)
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "by way of its owner, "+name)
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	clock.Advance(time.Minute)
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "by way of its owner, "+name, "the origin is asked whether", `If-None-Match: "1"`)
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	// The owner knows better than a stale copy.
	clock.Advance(61 * time.Second)
	owner.get("/files/a")
	c.o.Forget()
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "Its owner, "+name+", has it stored. It is fresh until")
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())
}

// TestExplainBypassAmongNodes: the owner knows that something can't be stored; and one that can't
// be asked.
func TestExplainBypassAmongNodes(t *testing.T) {
	oneNode(t)
	c := newCluster(t, 2, proxy.Config{})
	c.o.Handle("/a", origintest.File{Size: 9, Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
	owner, other := c.nodes[c.owner("a")], c.other("a")
	owner.get("/files/a")
	c.o.Forget()
	e := other.explain(true, "GET", "/files/a")
	tells(t, e, "no-store in Cache-Control forbids it", "At its owner: status 200, 9 bytes, which can't be stored")
	resp, _ := other.get("/files/a")
	happened(t, e, resp, c.o.Requests())
}
