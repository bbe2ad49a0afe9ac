package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/race"
	"github.com/scurrycache/scurry/proxy"
)

// storm is an origin whose files change without a change of their validators, nodes in front of it,
// and what has been acknowledged.
type storm struct {
	*cluster
	files []*stormFile

	mu   sync.Mutex
	held chan struct{} // closed at the next purge: responses that begin before it, and end after it
}

// stormFile is a file, each line of which says how often the file has been changed.
type stormFile struct {
	path  string // under the mount
	lines int
	group string

	now   atomic.Int64    // the latest change
	acked [2]atomic.Int64 // the latest change that has been purged everywhere, and with a query
}

const stormLine = 16

func (f *stormFile) content(n int64) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%0*d\n", stormLine-1, n), f.lines)
}

// newStorm has files in two folders and two groups, small ones and ones of several chunks.
func newStorm(t testing.TB) *storm {
	s := &storm{cluster: newCluster(t, 3, proxy.Config{GroupFields: []string{"Surrogate-Key"}}),
		held: make(chan struct{})}
	for i := range 12 {
		f := &stormFile{path: fmt.Sprintf("d%d/x/f%d", i%2, i), lines: []int{4, 100, 2500}[i%3],
			group: fmt.Sprint("g", i%4/2)}
		s.files = append(s.files, f)
		s.o.Handle("/"+f.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, f) })
	}
	return s
}

// serve answers with what f is now. Some responses say so only after the next purge.
func (s *storm) serve(w http.ResponseWriter, r *http.Request, f *stormFile) {
	r.Header.Del("If-None-Match") // the validator is a lie
	b := f.content(f.now.Load())
	if rand.IntN(8) == 0 {
		s.mu.Lock()
		held := s.held
		s.mu.Unlock()
		select {
		case <-held:
		case <-r.Context().Done():
			return
		}
	}
	h := w.Header()
	maps.Copy(h, http.Header{
		"Cache-Control": {"max-age=6000"}, "Etag": {`"same"`}, "Vary": {"X-Variant"},
		"Content-Type":  {"text/plain"},
		"Surrogate-Key": {f.group + " all"},
	})
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// release lets go of the responses that are held, and of all that would be if last is true.
func (s *storm) release(last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.held)
	if s.held = make(chan struct{}); last {
		close(s.held)
	}
}

// stormKinds are what is purged, and which files that changes.
var stormKinds = []struct {
	name string
	ask  func(f *stormFile) proxy.PurgeRequest
	hits func(f, other *stormFile) bool
}{
	{"url", func(f *stormFile) proxy.PurgeRequest { return proxy.PurgeRequest{URLs: []string{"/files/" + f.path}} },
		func(f, other *stormFile) bool { return f == other }},
	{"queries", func(f *stormFile) proxy.PurgeRequest {
		return proxy.PurgeRequest{URLs: []string{"http://x/files/" + f.path + "?any"},
			Queries: true}
	}, func(f, other *stormFile) bool { return f == other }},
	{"prefix", func(f *stormFile) proxy.PurgeRequest {
		return proxy.PurgeRequest{Prefixes: []string{"/files/" + f.path[:4]}}
	}, func(f, other *stormFile) bool { return f.path[:4] == other.path[:4] }},
	{"group", func(f *stormFile) proxy.PurgeRequest { return proxy.PurgeRequest{Groups: []string{f.group}} },
		func(f, other *stormFile) bool { return f.group == other.group }},
	{"all", func(*stormFile) proxy.PurgeRequest { return proxy.PurgeRequest{All: true} },
		func(_, _ *stormFile) bool { return true }},
}

// TestPurgesHold has 64 clients ask three nodes for files, through the fast lane and past it, while
// the files change and are purged, in each way, hard and softly: by no response to a request that
// was sent after a purge was acknowledged is anything sent from before it, although the validators
// stay the same, and responses are under way from the origin and between the nodes.
// SCURRY_TEST_PURGES is how many purges there are.
func TestPurgesHold(t *testing.T) {
	purges, _ := strconv.Atoi(os.Getenv("SCURRY_TEST_PURGES"))
	if purges == 0 {
		purges = race.Cases(100)
	}
	s := newStorm(t)
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var answered, hits, purged atomic.Int64
	for range 64 {
		clients.Go(func() {
			for ctx.Err() == nil {
				s.request(ctx, &answered, &hits)
			}
		})
	}
	for i := range purges {
		if kind := i % (2 * len(stormKinds)); !s.purge(kind/2, kind%2 == 1, &purged) {
			break
		}
	}
	cancel()
	s.release(true)
	clients.Wait()
	t.Logf("%d purges of %d stored responses; %d responses, %d of them hits", purges, purged.Load(),
		answered.Load(), hits.Load())
	if hits.Load() == 0 || purged.Load() == 0 {
		t.Error("nothing was served from memory, or nothing was purged")
	}
}

// purge changes what a purge of that kind is about, and purges it.
func (s *storm) purge(kind int, soft bool, purged *atomic.Int64) bool {
	k, f := stormKinds[kind], s.files[rand.IntN(len(s.files))]
	changed := map[*stormFile]int64{}
	for _, other := range s.files {
		if k.hits(f, other) {
			changed[other] = other.now.Add(1)
		}
	}
	q := k.ask(f)
	q.Soft = soft
	result, err := s.nodes[rand.IntN(len(s.nodes))].Purge(s.t.Context(), q)
	if err != nil || !result.Complete() || len(result.Nodes) != len(s.nodes) {
		s.t.Errorf("a purge by %s: %+v, %v", k.name, result, err)
	}
	for _, n := range result.Nodes {
		purged.Add(int64(n.Purged))
	}
	for other, n := range changed {
		if other.acked[0].Store(n); k.name != "url" {
			other.acked[1].Store(n)
		}
	}
	s.release(false)
	return !s.t.Failed()
}

// request sends a request, and checks that the response has nothing that was purged before it.
func (s *storm) request(ctx context.Context, answered, hits *atomic.Int64) {
	f, n := s.files[rand.IntN(len(s.files))], s.nodes[rand.IntN(len(s.nodes))]
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/files/"+f.path, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	if rand.IntN(3) == 0 { // past the fast lane
		r.Header.Set("X-Variant", strconv.Itoa(rand.IntN(2)))
	}
	query := rand.IntN(4) / 3
	if query > 0 {
		r.URL.RawQuery = "q=" + strconv.Itoa(rand.IntN(2))
	}
	least := f.acked[query].Load()
	if rand.IntN(5) == 0 {
		at := rand.IntN(f.lines) * stormLine
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", at, at+stormLine-1))
	}
	resp, err := n.client.Do(r)
	if err != nil {
		return // a version was removed while it was sent, or the test ends
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body) // as before
	answered.Add(1)
	if strings.Contains(resp.Header.Get("Cache-Status"), "; hit") {
		hits.Add(1)
	}
	for ; len(b) >= stormLine; b = b[stormLine:] {
		if got, err := strconv.ParseInt(string(b[:stormLine-1]), 10, 64); err != nil ||
			got < least {
			s.t.Errorf("%s of %s: a line is of change %q (%v), purged up to %d; %s %v, %s",
				r.URL, n.URL, b[:stormLine-1], err, least, resp.Status, r.Header, resp.Header)
			return
		}
	}
}
