package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestSlabsAreSpread: each byte of a large file is fetched once, by the node that owns the slab,
// and by one request for as many slabs in a row as that owns.
func TestSlabsAreSpread(t *testing.T) {
	const slabs = 24
	c := newCluster(t, 3, proxy.Config{Memory: 8 << 20})
	f := origintest.File{Size: slabs * slab, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/f", f.ServeHTTP)
	all := []*proxy.Proxy{c.nodes[0].Proxy, c.nodes[1].Proxy, c.nodes[2].Proxy}
	owners := slabOwners(c.nodes[0], c.o, all, "", f)
	c.nodes[0].expect(200, origintest.Content(0, 0, f.Size), "/files/%66")
	eventually(t, "all of the other spelling has been read", func() bool {
		return all[0].Stats().OriginBytes+all[1].Stats().OriginBytes+
			all[2].Stats().OriginBytes == f.Size
	})
	var bytes, want []int64
	for _, p := range all {
		bytes, want = append(bytes, p.Stats().OriginBytes), append(want, 0)
	}
	for _, owner := range owners {
		want[owner] += slab
	}
	c.o.Forget()
	for _, n := range c.nodes {
		v := &origintest.Verifier{}
		resp := n.do(http.MethodGet, "/files/f")
		if got, err := io.Copy(v, resp.Body); got != f.Size || err != nil {
			t.Fatalf("%d bytes, %v", got, err)
		}
		resp.Body.Close()
	}
	if got := c.o.Count(); got != spans(owners) {
		t.Errorf("%d origin requests for slabs of %v: %s", got, owners,
			origintest.Ranges(c.o.Requests()))
	}
	for i, p := range all {
		if got := p.Stats().OriginBytes - bytes[i]; got != want[i] || got == 0 {
			t.Errorf("node %d fetched %d bytes, and owns %d", i, got, want[i])
		}
	}
}

// TestBytesArriveThroughAnOwner is TestBytesArriveAsTheyCome with clients of other nodes than the
// owner.
func TestBytesArriveThroughAnOwner(t *testing.T) {
	for _, length := range []int64{20 << 10, -1} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			c := newCluster(t, 3, proxy.Config{})
			more := make(chan int64)
			c.o.Handle("/drip", drip(7, length, maxAge("60"), more))
			var clients []*http.Response
			join := func(i int, has int64) {
				resp := c.nodes[(c.owner("drip")+1+i)%3].do(http.MethodGet, "/files/drip")
				t.Cleanup(func() { resp.Body.Close() })
				receive(t, resp.Body, 0, has)
				clients = append(clients, resp)
			}
			join(0, 0)
			for sent := int64(0); sent < 20<<10; sent += 1 << 10 {
				if i := sent >> 10; i == 5 || i == 7 || i == 8 {
					for j := range 5 {
						join(j, sent)
					}
				}
				more <- sent + 1<<10
				for _, client := range clients {
					receive(t, client.Body, sent, sent+1<<10)
				}
			}
			close(more)
			for i, client := range clients {
				if n, err := client.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("client %d ends with %d bytes, %v", i, n, err)
				}
			}
			if c.o.Count() != 1 {
				t.Errorf("%d origin requests", c.o.Count())
			}
			for _, n := range c.nodes {
				n.cacheStatus(n.expect(200, origintest.Content(7, 0, 20<<10), "/files/drip"), "hit")
			}
		})
	}
}

// TestLaterSlabsArriveThroughTheirOwners shows the same of a slab that isn't the first, and of one
// that was evicted: the origin sends on only when the client has what it sent.
func TestLaterSlabsArriveThroughTheirOwners(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	const size = 8 * slab
	step := make(chan int64)
	var dripping bool // parts are sent in pieces of as many bytes as step says
	c.o.Handle("/large", func(w http.ResponseWriter, r *http.Request) {
		f := origintest.File{Size: size, Seed: 7, ETag: `"1"`, Header: maxAge("600")}
		if !dripping || r.Header.Get("Range") == "" {
			f.ServeHTTP(w, r)
			return
		}
		var start, last int64
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &start, &last); err != nil {
			t.Error(err)
		}
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, last, size))
		w.Header().Set("Content-Length", fmt.Sprint(last+1-start))
		w.WriteHeader(http.StatusPartialContent)
		w.(http.Flusher).Flush()
		for sent := start; sent <= last; {
			select {
			case n := <-step:
				end := min(sent+n, last+1)
				_, _ = w.Write(origintest.Content(7, sent, end))
				w.(http.Flusher).Flush()
				sent = end
			case <-r.Context().Done():
				return
			}
		}
	})
	c.nodes[0].expect(206, origintest.Content(7, 0, 100), "/files/large", "Range: bytes=0-99")
	dripping = true
	for s := int64(1); s < 4; s++ {
		n := c.nodes[s%3]
		start := s * slab
		resp := n.do(http.MethodGet, "/files/large", fmt.Sprintf("Range: bytes=%d-%d", start, start+
			slab-1))
		for off := int64(0); off < slab; off += 4 << 10 {
			step <- 4 << 10
			receive(t, resp.Body, start+off, start+off+4<<10)
		}
		resp.Body.Close()
	}
}

// TestForeignKeysStayOut: what a node reads of other nodes' keys isn't in its main cache; what is
// popular comes to its hot one.
func TestForeignKeysStayOut(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/f", origintest.File{Size: 30 << 10, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
	n := c.other("f")
	want := origintest.Content(0, 0, 30<<10)
	n.expect(200, want, "/files/f")
	if s := n.Stats(); s.Chunks != 0 {
		t.Errorf("%d chunks of another's in the main cache", s.Chunks)
	}
	for _, n := range c.nodes {
		eventually(t, "the file is served from this node's memory", func() bool {
			peers := func() (asks int64) {
				for _, p := range n.Stats().Peers {
					asks += p.Requests
				}
				return asks
			}
			before := peers()
			n.expect(200, want, "/files/f")
			return peers() == before
		})
	}
	if s := n.Stats(); s.Chunks != 0 || s.HotChunks == 0 || s.HotHits == 0 {
		t.Errorf("after it has become popular: %+v", s)
	}
	if got := c.o.Count(); got != 1 {
		t.Errorf("%d origin requests", got)
	}
}

// TestEvictedChunksAreRefilledThroughTheirOwner: what the owner had to evict it fetches again,
// once, whichever node asks.
func TestEvictedChunksAreRefilledThroughTheirOwner(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	f := origintest.File{Size: 40 << 10, ETag: `"1"`, Header: maxAge("600")}
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[1].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
	other := origintest.File{Size: 60 << 10, Header: maxAge("600"), ETag: `"1"`}
	for i := range 40 { // twice the memory
		p := c.pathOwnedBy(0, fmt.Sprint("other", i, "-"))
		c.o.Handle("/"+p, other.ServeHTTP)
		for range 2 { // what is asked for once pushes out only its like
			c.nodes[0].expect(200, origintest.Content(0, 0, other.Size), "/files/"+p)
		}
	}
	c.o.Forget()
	for range 2 {
		c.nodes[2].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
	}
	if got := origintest.Ranges(c.o.Requests()); got != "0-40959" {
		t.Errorf("origin was asked for %q, want the evicted file once", got)
	}
}
