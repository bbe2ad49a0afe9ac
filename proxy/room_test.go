package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// crowded is a cluster whose first node has no room for what it would read from the origin, until
// room is closed.
type crowded struct {
	*cluster
	now       *clock
	log       logbook
	room      chan struct{}
	clients   sync.WaitGroup // which the first node has, all on cold files
	mu        sync.Mutex
	refused   int // of these clients, and others
	stalling  origintest.File
	nextOwned int
}

func newCrowded(t *testing.T) *crowded {
	c := &crowded{now: newClock(), room: make(chan struct{})}
	logger := zerolog.New(&c.log)
	c.cluster = newCluster(t, 3, proxy.Config{
		Now: c.now.Now, Logger: &logger, Memory: 16 << 20, FirstChunk: 32 << 10, MaxChunk: 1 << 20,
		Slab: 8 << 20,
	})
	c.stalling = origintest.File{Size: 3 << 20, ETag: `"1"`, Modified: origintest.Old,
		Header: maxAge("60")}
	return c
}

// owned is a path for what the first node owns, which the origin answers with h.
func (c *crowded) owned(h http.HandlerFunc) string {
	for ; ; c.nextOwned++ {
		if path := fmt.Sprint("f", c.nextOwned); c.owner(path) == 0 {
			c.nextOwned++
			c.o.Handle("/"+path, h)
			return "/files/" + path
		}
	}
}

// nearlyChunk is a byte less than where a chunk of the largest size ends: a body that stalls there
// gives back no more room than that for a byte.
const nearlyChunk = 2<<20 - 1

// crowd has clients of the first node ask for large files that the origin stalls in the middle of,
// until it has no room.
func (c *crowded) crowd() {
	for range 40 {
		path := c.owned(func(w http.ResponseWriter, r *http.Request) {
			c.stalling.ServeHTTP(&halting{ResponseWriter: w, left: nearlyChunk, goOn: c.room,
				gone: r.Context().Done()}, r)
		})
		c.clients.Go(func() {
			resp, err := c.nodes[0].try(http.MethodGet, path)
			if err != nil {
				c.t.Error(err)
				return
			}
			c.isRefused(resp)
			if resp.StatusCode == 200 {
				v := &origintest.Verifier{}
				if _, err := io.Copy(v, resp.Body); err != nil || v.Off != c.stalling.Size {
					c.t.Errorf("%s: %v at %d", path, err, v.Off)
				}
			}
			resp.Body.Close()
		})
	}
	for refusals := 0; refusals < 10; { // a node that is refused asks the origin itself
		resp := c.nodes[1].do(http.MethodGet, c.owned(c.file(64<<10).ServeHTTP))
		c.nodes[1].read(resp)
		if refusals++; strings.Contains(resp.Header.Get("Cache-Status"), "detail=peer") {
			refusals = 0
		}
	}
}

func (c *crowded) file(size int64) origintest.File {
	f := c.stalling
	f.Size = size
	return f
}

// isRefused reports whether resp says that there is no room, and nothing else then.
func (c *crowded) isRefused(resp *http.Response) bool {
	if resp.StatusCode == 200 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused++
	b, _ := io.ReadAll(resp.Body)
	h := resp.Header
	if resp.StatusCode != 503 || h.Get("Retry-After") != "5" ||
		h.Get("Proxy-Status") != "scurry; error=connection_limit_reached" ||
		h.Get("Cache-Control") != "no-store" || !strings.Contains(h.Get("Cache-Status"),
		"detail=connection_limit_reached") ||
		string(b) != "503 Service Unavailable\n" {
		c.t.Errorf("%s: %s %v %q", resp.Request.URL, resp.Status, h, b)
	}
	return true
}

// halting lets so many bytes through, and the others once it is let go on.
type halting struct {
	http.ResponseWriter
	left       int
	goOn, gone <-chan struct{}
}

func (h *halting) Write(b []byte) (int, error) {
	n := min(len(b), h.left)
	h.left -= n
	if n == len(b) {
		return h.ResponseWriter.Write(b)
	}
	h.ResponseWriter.Write(b[:n])
	h.ResponseWriter.(http.Flusher).Flush()
	select {
	case <-h.goOn:
	case <-h.gone:
	}
	h.left = 1 << 30
	more, err := h.Write(b[n:])
	return n + more, err
}

// TestWithoutRoom: where there is no room for what would be read from the origin, clients wait for
// some time and then get a 503 that tells them when to come again, or what is stale. Other nodes
// wait for no room but their own.
func TestWithoutRoom(t *testing.T) {
	oneNode(t) // it makes its own cluster
	if testing.Short() {
		t.Skip("clients wait for ten seconds")
	}
	t.Parallel()
	c := newCrowded(t)
	owner, other := c.nodes[0], c.nodes[1]
	version := "1"
	changing := func(directives string) string {
		return c.owned(func(w http.ResponseWriter, r *http.Request) {
			f := c.file(100 << 10)
			if version == "1" {
				f.Size = 500 // with its record, so that it isn't evicted
			}
			f.ETag, f.Seed, f.Header = `"`+version+`"`, version[0],
				http.Header{"Cache-Control": {directives}}
			f.ServeHTTP(w, r)
		})
	}
	stale, strict, large, old := changing("max-age=2"), changing("max-age=2, must-revalidate"),
		c.owned(c.file(6<<20).ServeHTTP), origintest.Content('1', 0, 500)
	owner.expect(200, old, stale)
	owner.expect(200, old, strict)
	owner.expect(206, origintest.Content(0, 0, 100), large, "Range: bytes=0-99")
	owner.Stats()
	c.crowd()
	version = "2"
	c.now.Advance(3 * time.Second)

	wait := func(path string) <-chan *http.Response {
		done := make(chan *http.Response, 1)
		go func() {
			resp, err := owner.try(http.MethodGet, path)
			if err != nil {
				t.Error(err)
			}
			done <- resp
		}()
		return done
	}
	coming, cold := make(chan struct{}, 10), c.file(100<<10)
	path := c.owned(func(w http.ResponseWriter, r *http.Request) {
		coming <- struct{}{}
		cold.ServeHTTP(w, r)
	})
	waiting := wait(path)
	<-coming
	stands, must := wait(stale), wait(strict)
	if resp := other.expect(200, origintest.Content(0, 0, 100<<10),
		path); strings.Contains(resp.Header.Get("Cache-Status"), "detail=peer") {
		t.Errorf("it came from a node without room: %q", resp.Header["Cache-Status"])
	}
	<-coming
	other.expect(206, origintest.Content(0, 5<<20, 5<<20+100), large,
		"Range: bytes=5242880-5242979")
	if resp := owner.do(http.MethodHead, c.owned(cold.ServeHTTP)); resp.StatusCode != 200 {
		t.Errorf("HEAD: %s", resp.Status)
	}
	select {
	case <-waiting:
		t.Error("the others have waited as long as a client of the node without room")
		return
	default:
	}

	for _, done := range []<-chan *http.Response{waiting, must} {
		if resp := <-done; !c.isRefused(resp) {
			t.Errorf("%s: %s", resp.Request.URL, resp.Status)
		}
	}
	resp, b := owner.read(<-stands)
	if owner.cacheStatus(resp, "detail=connection_limit_reached"); resp.StatusCode != 200 ||
		string(b) != string(old) {
		t.Errorf("%s, %d bytes", resp.Status, len(b))
	}
	owner.cacheStatus(owner.expect(200, old, stale), "hit; ttl=-1") // and rests
	close(c.room)
	c.clients.Wait()
	owner.expect(200, origintest.Content(0, 0, 100<<10), path) // the 503 isn't stored
	if s := owner.Stats(); s.Failures != int64(c.refused) || s.Stale != 2 {
		t.Errorf("%d have got a 503, and 2 what is stale: %+v", c.refused, s)
	}
	if s := other.Stats(); s.Failures != 0 {
		t.Errorf("another node: %+v", s)
	}
	c.tells()
}

// tells waits for the log to tell of each refusal, and why.
func (c *crowded) tells() {
	c.t.Helper()
	eventually(c.t, "all refusals are logged", func() bool {
		refused, stale := 0, 0
		for line := range strings.Lines(c.log.String()) {
			var l struct {
				Message, Error, Cache, Level string
				Status                       int
			}
			if json.Unmarshal([]byte(line), &l) != nil || l.Message != "request" ||
				l.Error != "too many bodies are being read from the origin" || l.Level != "warn" {
				continue
			}
			switch {
			case l.Status == 503 && l.Cache == "miss":
				refused++
			case l.Status == 200 && l.Cache == "stale":
				stale++
			}
		}
		return refused == c.refused && stale == 1
	})
}
