package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestPostAfterInvalidation: what a POST brings isn't stored after a later request has invalidated
// it.
func TestPostAfterInvalidation(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	release := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		switch {
		case r.Method == "POST":
			w.Header().Set("Content-Location", "/f")
			io.WriteString(w, "o")
			w.(http.Flusher).Flush()
			<-release
			io.WriteString(w, "ld")
		case r.Method == "DELETE":
		default:
			io.WriteString(w, "new")
		}
	})
	resp := n.do("POST", "/files/f") // its head has come
	n.read(n.do("DELETE", "/files/f"))
	n.expect(200, []byte("new"), "/files/f")
	close(release)
	n.read(resp)
	n.expect(200, []byte("new"), "/files/f")
}

// TestLocationWithSpace: a Location as servers shouldn't send it is invalidated on all nodes, too.
func TestLocationWithSpace(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Method == "POST" {
			w.Header().Set("Location", "/g?q=a b")
			w.WriteHeader(303)
			return
		}
		io.WriteString(w, "x")
	})
	n := c.other("f")
	n.expect(200, []byte("x"), "/files/f")
	n.read(n.do("POST", "/files/f"))
	c.o.Forget()
	for _, n := range c.nodes {
		n.expect(200, []byte("x"), "/files/f")
	}
	if c.o.Count() == 0 {
		t.Error("what was invalidated is still served")
	}
}

// holder is a TCP relay in front of a node's peer listener that can hold back what one other node
// says.
type holder struct {
	net.Listener
	to, who string
	mu      sync.RWMutex // held for writing while who's bytes are to wait
}

// wait waits while what was said is to be held back.
func (h *holder) wait() {
	h.mu.RLock()
	defer h.mu.RUnlock()
}

func (h *holder) serve() {
	for {
		c, err := h.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", h.to)
		if err != nil {
			c.Close()
			continue
		}
		go func() { io.Copy(c, s); c.Close(); s.Close() }()
		go func() {
			defer c.Close()
			defer s.Close()
			var seen []byte
			b := make([]byte, 64<<10)
			for {
				n, err := c.Read(b)
				if len(seen) < 4096 {
					seen = append(seen, b[:n]...)
				}
				if strings.Contains(string(seen), h.who) {
					h.wait()
				}
				if _, werr := s.Write(b[:n]); err != nil || werr != nil {
					return
				}
			}
		}()
	}
}

// held makes three nodes, the last one behind a holder of what the first says.
func held(t *testing.T) (nodes []*node, names []string, o *origintest.Origin, h *holder) {
	o = origintest.New(t)
	server := origin.HTTP(o.Base)
	t.Cleanup(server.CloseIdleConnections)
	listeners, names := listenForPeers(t, 3)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h = &holder{Listener: l, to: names[2], who: names[0]}
	go h.serve()
	t.Cleanup(func() { l.Close() })
	names[2] = l.Addr().String()
	for i, l := range listeners {
		nodes = append(nodes, newNode(t, proxy.Config{Origin: server,
			Cluster: proxy.Cluster{Listener: l, Self: names[i], Members: static(names),
				MissedHeartbeats: 100}}))
	}
	for _, n := range nodes {
		eventually(t, "all know each other", func() bool { return len(n.Stats().Ring) == 3 })
	}
	return nodes, names, o, h
}

type static []string

func (s static) Watch(ctx context.Context, set func([]string)) error {
	set(s)
	<-ctx.Done()
	return nil
}

// owned is a path that the node of that name owns.
func owned(n *node, name string) string {
	for i := 0; ; i++ {
		if path := fmt.Sprint("p", i); n.Owner(path) == name {
			return path
		}
	}
}

// TestGroupOfAnotherOwner: no copy of a group's member outlives its invalidation, whichever node is
// told first.
func TestGroupOfAnotherOwner(t *testing.T) {
	nodes, names, o, h := held(t)
	f, g := owned(nodes[0], names[2]), owned(nodes[0], names[0])
	body := "old"
	o.Handle("/"+f, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Cache-Groups", `"G"`)
		io.WriteString(w, body)
	})
	o.Handle("/"+g, func(w http.ResponseWriter, r *http.Request) {
		body = "new"
		w.Header().Set("Cache-Group-Invalidation", `"G"`)
	})
	nodes[1].expect(200, []byte("old"), "/files/"+f)
	h.mu.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		nodes[0].read(nodes[0].do("POST", "/files/"+g))
	}()
	eventually(t, "all but the owner are told",
		func() bool { return nodes[1].Stats().Records == 0 })
	nodes[1].get("/files/" + f)
	h.mu.Unlock()
	<-done
	nodes[1].expect(200, []byte("new"), "/files/"+f)
}

// TestNewMemberIsTold: a node that comes later doesn't answer from what was invalidated before.
func TestNewMemberIsTold(t *testing.T) {
	o := origintest.New(t)
	server := origin.HTTP(o.Base)
	t.Cleanup(server.CloseIdleConnections)
	listeners, names := listenForPeers(t, 2)
	late := &later{first: names[:1], all: names, now: make(chan struct{})}
	a := newNode(t, proxy.Config{Origin: server, Cluster: proxy.Cluster{Listener: listeners[0],
		Self: names[0], Members: late, MissedHeartbeats: 100}})
	b := newNode(t, proxy.Config{Origin: server, Cluster: proxy.Cluster{Listener: listeners[1],
		Self: names[1], Members: static(names), MissedHeartbeats: 100}})
	eventually(t, "b knows a", func() bool { return len(b.Stats().Ring) == 2 })
	f := owned(b, names[1])
	body := "old"
	o.Handle("/"+f, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Method == "POST" {
			body = "new"
		}
		io.WriteString(w, body)
	})
	b.expect(200, []byte("old"), "/files/"+f)
	a.read(a.do("POST", "/files/"+f))
	close(late.now)
	eventually(t, "a knows b", func() bool { return len(a.Stats().Ring) == 2 })
	a.expect(200, []byte("new"), "/files/"+f)
}

type later struct {
	first, all []string
	now        chan struct{}
}

func (l *later) Watch(ctx context.Context, set func([]string)) error {
	set(l.first)
	select {
	case <-l.now:
		set(l.all)
	case <-ctx.Done():
	}
	<-ctx.Done()
	return nil
}

// TestGroupEntersVersion: bytes that were removed by their group don't come back under the same
// validator.
func TestGroupEntersVersion(t *testing.T) {
	for _, by := range []string{"/files/f", "/files/g"} {
		n, o := fronting(t, proxy.Config{})
		body := "old"
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				body = "new"
				return
			}
			w.Header().Set("Cache-Control", "max-age=600")
			w.Header().Set("Cache-Groups", `"G"`)
			w.Header().Set("Accept-Ranges", "bytes")
			w.Header().Set("Etag", `"1"`)
			io.WriteString(w, body)
		})
		o.Handle("/g", func(w http.ResponseWriter, r *http.Request) {
			body = "new"
			w.Header().Set("Cache-Group-Invalidation", `"G"`)
		})
		n.expect(200, []byte("old"), "/files/f")
		n.read(n.do("POST", by))
		if _, b := n.get("/files/f"); string(b) != "new" {
			t.Errorf("after POST %s: %s", by, b)
		}
	}
}

// unconfirmed sends f, also to those who have it.
func unconfirmed(f origintest.File) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-None-Match")
		f.ServeHTTP(w, r)
	}
}

// TestOldBytesDontComeBack: bytes that were invalidated, by their key or their group, don't come
// back if what the origin sends next has the same validator and length, on any node, be it small or
// of several slabs.
func TestOldBytesDontComeBack(t *testing.T) {
	for _, by := range []string{"f", "g"} {
		for _, size := range []int64{600, 3*slab + 5} {
			c := newCluster(t, 3, proxy.Config{})
			old, new := origintest.Content(1, 0, size), origintest.Content(2, 0, size)
			header := maxAge("600")
			header.Set("Cache-Groups", `"G"`)
			c.o.Handle("/f", unconfirmed(origintest.File{Size: size, Seed: 1, ETag: `"1"`,
				Header: header}))
			c.o.Handle("/g", grouped(`"G"`))
			for _, n := range c.nodes {
				n.expect(200, old, "/files/f")
			}
			c.o.Handle("/f", unconfirmed(origintest.File{Size: size, Seed: 2, ETag: `"1"`,
				Header: header}))
			c.nodes[0].read(c.nodes[0].do("POST", "/files/"+by))
			for i, n := range c.nodes {
				if resp, b := n.get("/files/f"); resp.StatusCode != 200 || !bytes.Equal(b, new) {
					t.Errorf("node %d, %d bytes, after POST %s: %s, old bytes: %t", i, size, by,
						resp.Status, bytes.Equal(b, old))
				}
			}
		}
	}
}

// TestGroupEntersVersionInFlight: nor do they if they were on their way.
func TestGroupEntersVersionInFlight(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		body := "new"
		once.Do(func() {
			body = "old"
			close(asked)
			<-release
		})
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Cache-Groups", `"g"`)
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Accept-Ranges", "bytes")
		w.Header().Set("Content-Length", "3")
		io.WriteString(w, body)
	})
	o.Handle("/p", grouped(`"g"`))
	done := make(chan struct{})
	go func() { defer close(done); n.get("/files/f") }()
	<-asked
	n.read(n.do("POST", "/files/p"))
	close(release)
	<-done
	n.expect(200, []byte("new"), "/files/f")
}

// TestPostAfterInvalidationMeanwhile: nor after one that came while other nodes were being told of
// the POST itself.
func TestPostAfterInvalidationMeanwhile(t *testing.T) {
	t.Parallel()
	nodes, names, o, h := held(t)
	f := owned(nodes[0], names[0])
	body := "old"
	var mu sync.Mutex
	o.Handle("/"+f, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Cache-Control", "max-age=600")
		switch r.Method {
		case "POST":
			w.Header().Set("Content-Location", "/"+f)
		case "DELETE":
			body = "new"
		}
		io.WriteString(w, body)
	})
	h.mu.Lock() // what node 0 says to node 2 waits
	before := o.Count()
	done := make(chan struct{})
	go func() {
		defer close(done)
		nodes[0].read(nodes[0].do("POST", "/files/"+f))
	}()
	eventually(t, "POSTed", func() bool { return o.Count() > before })
	nodes[1].read(nodes[1].do("DELETE", "/files/"+f))
	<-done
	h.mu.Unlock()
	nodes[0].expect(200, []byte("new"), "/files/"+f)
}
