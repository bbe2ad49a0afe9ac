package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// negotiating answers a request with file, or says that the client's entity tag names what it would
// get.
func negotiating(file http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Vary", "Accept-Language")
		w.Header().Set("Etag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		file.ServeHTTP(w, r)
	}
}

// everyNode runs test with a node on its own, and with three of which first the owner is asked, or
// last.
func everyNode(t *testing.T, key string, cfg proxy.Config, test func(t *testing.T,
	o *origintest.Origin, nodes []*node)) {
	oneNode(t) // it makes its own clusters
	t.Run("one node", func(t *testing.T) {
		n, o := fronting(t, cfg)
		test(t, o, []*node{n, n, n})
	})
	for turn, name := range []string{"three nodes, owner first", "three nodes, owner last"} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3, cfg)
			at := c.owner(key) + turn
			nodes := []*node{c.nodes[at%3], c.nodes[(at+1)%3], c.nodes[(at+2)%3]}
			test(t, c.o, nodes)
		})
	}
}

// TestVariantOfBytesOnTheirWay: a request for which the origin chooses what is still coming for
// another one gets it as it comes, and both know its length in the end.
func TestVariantOfBytesOnTheirWay(t *testing.T) {
	everyNode(t, "f", proxy.Config{}, func(t *testing.T, o *origintest.Origin, nodes []*node) {
		release := make(chan struct{})
		o.Handle("/f", negotiating(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "ac")
			w.(http.Flusher).Flush()
			<-release
			io.WriteString(w, "orn")
		})))
		langs := []string{"Accept-Language: en", "Accept-Language: fr", "Accept-Language: de"}
		var responses []*http.Response
		for i, n := range nodes {
			resp := n.do("GET", "/files/f", langs[i])
			if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
				t.Error(err)
			}
			responses = append(responses, resp)
		}
		close(release)
		for i, n := range nodes {
			if _, b := n.read(responses[i]); string(b) != "orn" {
				t.Errorf("%q", b)
			}
		}
		for i, lang := range langs {
			for _, n := range nodes {
				n.expect(200, []byte("acorn"), "/files/f", lang)
			}
			nodes[i].expect(206, []byte("orn"), "/files/f", lang, "Range: bytes=2-")
			if resp := nodes[i].do("HEAD", "/files/f", lang); resp.ContentLength != 5 {
				t.Errorf("%s: a length of %d", lang, resp.ContentLength)
			}
		}
		if got := o.Count(); got != 3 {
			t.Errorf("%d origin requests", got)
		}
	})
}

// TestVariantOfBytesThatCameMeanwhile: what was still coming when the origin was asked, and is
// there when it chooses that, is there for both.
func TestVariantOfBytesThatCameMeanwhile(t *testing.T) {
	everyNode(t, "f", proxy.Config{}, func(t *testing.T, o *origintest.Origin, nodes []*node) {
		asked, release, choose := make(chan struct{}), make(chan struct{}), make(chan struct{})
		file := negotiating(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "ac")
			w.(http.Flusher).Flush()
			<-release
			io.WriteString(w, "orn")
		}))
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "" {
				close(asked)
				<-choose
			}
			file(w, r)
		})
		en := nodes[0].do("GET", "/files/f", "Accept-Language: en")
		if _, err := io.ReadFull(en.Body, make([]byte, 2)); err != nil {
			t.Error(err)
		}
		var fr sync.WaitGroup
		fr.Go(func() {
			if _, b := nodes[1].get("/files/f", "Accept-Language: fr"); string(b) != "acorn" {
				t.Errorf("%q", b)
			}
		})
		<-asked
		close(release)
		nodes[0].read(en)
		nodes[0].expect(200, []byte("acorn"), "/files/f", "Accept-Language: en")
		close(choose)
		fr.Wait()
		for _, n := range nodes {
			n.cacheStatus(n.expect(200, []byte("acorn"), "/files/f", "Accept-Language: fr"),
				"scurry; hit; ")
		}
		if got := o.Count(); got != 2 {
			t.Errorf("%d origin requests", got)
		}
	})
}

// TestSmallVariantsAreHits: a content so small that it is in the record is there for all variants
// that share it, on each node, and for HEADs and ranges, too.
func TestSmallVariantsAreHits(t *testing.T) {
	everyNode(t, "f511-true", proxy.Config{}, func(t *testing.T, o *origintest.Origin,
		nodes []*node) {
		langs := []string{"Accept-Language: en", "Accept-Language: fr", "Accept-Language: de"}
		for _, size := range []int64{1, 511, 512, 513} {
			for _, chunked := range []bool{false, true} {
				path, want := fmt.Sprintf("/f%d-%v", size, chunked), origintest.Content(0, 0, size)
				o.Handle(path, negotiating(http.HandlerFunc(func(w http.ResponseWriter,
					r *http.Request) {
					if chunked {
						w.(http.Flusher).Flush()
					}
					w.Write(want)
				})))
				for _, lang := range langs {
					for _, n := range nodes {
						n.expect(200, want, "/files"+path, lang)
					}
				}
				o.Forget()
				for i, n := range nodes {
					for _, lang := range langs {
						n.cacheStatus(n.expect(200, want, "/files"+path, lang), "scurry; hit; ")
						n.cacheStatus(n.expect(206, want[size-1:], "/files"+path, lang,
							"Range: bytes=-1"), "scurry; hit; ")
						resp, _ := n.read(n.do("HEAD", "/files"+path, lang))
						if n.cacheStatus(resp, "scurry; hit; "); resp.ContentLength != size {
							t.Errorf("node %d: %s: a HEAD tells a length of %d", i, path,
								resp.ContentLength)
						}
					}
				}
				if got := o.Count(); got > 0 {
					t.Errorf("%s: %d origin requests", path, got)
				}
			}
		}
	})
}

// TestVariantOfLostBytes: where the origin chooses what is stored for another request, but of which
// not all is held any more and which can't be asked for in parts, it is asked for the whole.
func TestVariantOfLostBytes(t *testing.T) {
	everyNode(t, "f", proxy.Config{}, func(t *testing.T, o *origintest.Origin, nodes []*node) {
		want := origintest.Content(1, 0, 10000)
		o.Handle("/f", negotiating(http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			w.Write(want)
		})))
		nodes[0].expect(200, want, "/files/f", "Accept-Language: en")
		for i := range 8 {
			big := fmt.Sprint("/big", i)
			o.Handle(big, origintest.File{Size: memory / 2, ETag: `"b"`,
				Header: maxAge("600")}.ServeHTTP)
			for range 2 { // what is asked for once pushes out only its like
				nodes[0].expect(200, origintest.Content(0, 0, memory/2), "/files"+big)
			}
		}
		o.Forget()
		defer func() {
			if !slices.ContainsFunc(o.Requests(),
				func(r origintest.Request) bool {
					return r.URI == "/f" &&
						r.Header.Get("If-None-Match") == ""
				}) {
				t.Error("no bytes were lost")
			}
		}()
		for _, lang := range []string{"fr", "en", "fr"} {
			for _, n := range nodes {
				n.expect(200, want, "/files/f", "Accept-Language: "+lang)
			}
		}
	})
}

// TestVariantsShareBytes: what is chosen for many requests is in memory once.
func TestVariantsShareBytes(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	const size = 20000
	file := origintest.File{Size: size, ETag: `"1"`,
		Header: http.Header{"Cache-Control": {"max-age=600"}, "Vary": {"Accept-Language"}}}
	o.Handle("/f", negotiating(http.HandlerFunc(file.ServeHTTP)))
	for i := range 20 {
		n.expect(200, origintest.Content(0, 0, size), "/files/f", fmt.Sprint("Accept-Language: x-",
			i))
	}
	if s := n.Stats(); s.OriginBytes != size || amongPeers < 2 && s.ChunkBytes > size+2000 {
		t.Errorf("%d bytes came, %d are held", s.OriginBytes, s.ChunkBytes)
	}
}

// TestHeadsDisplaceNoGets: however many HEADs with other fields are asked for, what GETs have
// brought stays.
func TestHeadsDisplaceNoGets(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Vary", "Origin")
		io.WriteString(w, r.Header.Get("Origin"))
	})
	for i := range 20 {
		n.expect(200, []byte(fmt.Sprint(i)), "/files/f", fmt.Sprint("Origin: ", i))
	}
	for i := range 100 {
		n.read(n.do("HEAD", "/files/f", fmt.Sprint("Origin: h", i)))
	}
	o.Forget()
	for i := range 20 {
		n.expect(200, []byte(fmt.Sprint(i)), "/files/f", fmt.Sprint("Origin: ", i))
	}
	if got := o.Count(); got > 0 {
		t.Errorf("%d of 20 variants were asked for again", got)
	}
}

// TestVariantsAreBounded: of many variants the newest are kept, and the one that says what tells
// them apart.
func TestVariantsAreBounded(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Header.Get("Origin") == "good" {
			w.Header().Set("Vary", "Origin")
		}
		io.WriteString(w, r.Header.Get("Origin"))
	})
	n.expect(200, []byte("good"), "/files/f", "Origin: good")
	for i := range 100 {
		n.expect(200, []byte(fmt.Sprint(i)), "/files/f", fmt.Sprint("Origin: ", i))
	}
	o.Forget()
	n.expect(200, []byte("good"), "/files/f", "Origin: good")
	for i := 99; i >= 69; i-- {
		n.expect(200, []byte(fmt.Sprint(i)), "/files/f", fmt.Sprint("Origin: ", i))
	}
	if got := o.Count(); got > 0 {
		t.Errorf("%d of the 32 variants that are kept were asked for again", got)
	}
	n.expect(200, []byte("68"), "/files/f", "Origin: 68")
	if got := o.Count(); got != 1 {
		t.Error("more than 32 variants are kept")
	}
}

// TestManyFields: a request with more fields than are remembered is answered, and takes no
// variant's place.
func TestManyFields(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Header.Get("Origin") != "" {
			w.Header().Set("Vary", "Origin")
		}
		io.WriteString(w, "to "+r.Header.Get("Origin"))
	})
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("X-%d: 1", i))
	}
	n.expect(200, []byte("to a"), "/files/f", "Origin: a")
	for range 2 {
		n.expect(200, []byte("to "), "/files/f", many...)
	}
	n.expect(200, []byte("to "), "/files/f")
	n.expect(200, []byte("to a"), "/files/f", "Origin: a")
	n.expect(200, []byte("to b"), "/files/f", append(many, "Origin: b")...)
}

// TestHeadsOnAllNodes: the origin is asked once for all HEADs that wait, on whatever nodes, and
// they are told apart from GETs.
func TestHeadsOnAllNodes(t *testing.T) {
	everyNode(t, "f", proxy.Config{}, func(t *testing.T, o *origintest.Origin, nodes []*node) {
		var heads, gets atomic.Int64
		arrived, release := make(chan struct{}, 10), make(chan struct{})
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			if r.Method == "HEAD" {
				heads.Add(1)
				arrived <- struct{}{}
				<-release
				w.Header().Set("Content-Length", "5")
				return
			}
			gets.Add(1)
			io.WriteString(w, "acorn")
		})
		const clients = 30
		statuses := make(chan string, clients)
		for i := range clients {
			n := nodes[i%len(nodes)]
			go func() {
				resp, err := n.try("HEAD", "/files/f")
				if err != nil {
					statuses <- err.Error()
					return
				}
				resp.Body.Close()
				statuses <- fmt.Sprint(resp.StatusCode, resp.ContentLength,
					strings.Contains(resp.Header.Get("Cache-Status"), "scurry;"))
			}()
		}
		<-arrived
		nodes[1].expect(200, []byte("acorn"), "/files/f") // a GET waits for none of them
		close(release)
		for range clients {
			if got := <-statuses; got != "200 5 true" {
				t.Error(got)
			}
		}
		// One that comes when the GET's answer is stored is answered from that; the others have one
		// request.
		if heads.Load() != 1 || gets.Load() != 1 {
			t.Errorf("%d HEADs and %d GETs came to the origin", heads.Load(), gets.Load())
		}
	})
}

// TestHeadInTheLog: what has become of a HEAD is counted as that of a GET is.
func TestHeadInTheLog(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", origintest.File{Size: 5, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	for _, advance := range []time.Duration{0, 0, 61 * time.Second} {
		now.Advance(advance)
		n.read(n.do("HEAD", "/files/f"))
	}
	if s := n.Stats(); s.Misses != 1 || s.Hits != 1 || s.Revalidated != 1 || s.Passed != 0 {
		t.Errorf("%+v", s)
	}
	for _, r := range o.Requests() {
		if r.Method != "HEAD" {
			t.Errorf("a %s came to the origin", r.Method)
		}
	}
}

// TestExplainVariants: what is said of a request for which nothing is stored, but for others.
func TestExplainVariants(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", negotiating(origintest.File{Size: 5, ETag: `"1"`}))
	n.get("/files/f", "Accept-Language: en")
	oneNode(t) // another node's variants are its own to tell of
	e := n.explain(false, "GET", "/files/f", "Accept-Language: fr")
	tells(t, e, "requests that have, of the fields in Vary: Accept-Language: en")
	o.Forget()
	resp, _ := n.get("/files/f", "Accept-Language: fr")
	if asked := o.Requests(); resp.StatusCode != 200 || len(asked) != 1 ||
		asked[0].Header.Get("If-None-Match") != `"1"` || e.Action != "fetch" {
		t.Errorf("%d, the origin was asked %+v, and not\n%s", resp.StatusCode, asked, e)
	}
	tells(t, n.explain(false, "GET", "/files/f", "Accept-Language: fr"),
		"It is answered from memory")
}

// TestVaryIsKnownToAllNodes: when it turns out, by way of whichever node, that a resource varies by
// a field, those nodes that have a copy of what was stored before don't answer from it any more
// those who send that field. Who doesn't is answered as before.
func TestVaryIsKnownToAllNodes(t *testing.T) {
	oneNode(t)        // it makes its own clusters
	now := newClock() // leases don't end
	c := newCluster(t, 3, proxy.Config{Now: now.Now})
	for learns := range c.nodes {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			path := fmt.Sprint("f", learns, method)
			c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Cache-Control"] = []string{"max-age=60"}
				who := r.Header.Get("Origin")
				if who != "" { // as some stores of objects do
					w.Header().Set("Vary", "Origin")
					w.Header().Set("Access-Control-Allow-Origin", who)
				}
				io.WriteString(w, "acorn "+who)
			})
			of := func(n *node, fields ...string) string {
				resp, _ := n.read(n.do(method, "/files/"+path, fields...))
				return resp.Header.Get("Access-Control-Allow-Origin")
			}
			for _, n := range c.nodes {
				of(n)
				of(n, "Origin: a") // nothing is known of Origin yet
			}
			if n := c.o.Count(); n != 1 {
				t.Fatalf("%d origin requests", n)
			}
			if got := of(c.nodes[learns], "Origin: a", "Cache-Control: no-cache"); got != "a" {
				t.Fatalf("%q", got)
			}
			for i, n := range c.nodes {
				eventually(t, fmt.Sprintf("node %d answers by Origin what node %d has learnt", i,
					learns), func() bool { return of(n, "Origin: a") == "a" })
				if got := of(n); got != "" {
					t.Errorf("who sends no Origin gets the answer for %q", got)
				}
			}
			if n := c.o.Count(); n != 2 {
				t.Errorf("%d origin requests", n)
			}
			c.o.Forget()
		}
	}
}
