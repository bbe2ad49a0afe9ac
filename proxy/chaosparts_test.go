package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// several makes that many nodes, or one on its own, whose memory is soon full.
func several(t *testing.T, nodes int) ([]*node, *origintest.Origin) {
	cfg := proxy.Config{Memory: 4 * slab}
	if nodes == 1 {
		n, o := fronting(t, cfg)
		return []*node{n}, o
	}
	c := newCluster(t, nodes, cfg)
	return c.nodes, c.o
}

// TestRandomParts: whatever parts an origin sends, and whatever ranges clients ask for meanwhile,
// no byte is another.
func TestRandomParts(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		ns, o := several(t, nodes)
		const size = 150 << 10
		for i := range 6 {
			f := origintest.File{Size: size, Seed: byte(i), ETag: `"1"`, Header: maxAge("600")}
			o.Handle(fmt.Sprint("/f", i), func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") == "" && rand.IntN(3) > 0 {
					a := rand.IntN(size - 1)
					r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", a,
						min(size-1, a+rand.IntN(20000))))
				}
				f.ServeHTTP(w, r)
			})
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		bad := map[string]int{}
		for cl := range 10 {
			wg.Go(func() {
				for k := range 60 {
					i := rand.IntN(6)
					a := rand.Int64N(size)
					b := min(size, a+1+rand.Int64N(30000))
					path := fmt.Sprint("/files/f", i)
					var fields []string
					want := origintest.Content(byte(i), 0, size)
					if rand.IntN(4) > 0 {
						fields = []string{fmt.Sprintf("Range: bytes=%d-%d", a, b-1)}
						want = want[a:b]
					}
					resp, err := ns[(cl+k)%nodes].try("GET", path, fields...)
					if err != nil {
						t.Error(err)
						return
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					mu.Lock()
					switch {
					case err != nil:
						bad["aborted: "+err.Error()]++
					case resp.StatusCode == 206 && fields == nil:
						bad["206 for a plain GET"]++
					case resp.StatusCode >= 400:
						bad[fmt.Sprint(resp.StatusCode)]++
					case !bytes.Equal(got, want) && !(resp.StatusCode == 206 &&
						resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", a, b-1,
							size)):
						bad["wrong bytes"]++
					case len(got) != len(want):
						bad["passed another part"]++
					default:
						bad["ok"]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		t.Log(nodes, bad)
		if bad["wrong bytes"] > 0 {
			t.Error("wrong bytes")
		}
	}
}

// TestRandomWrites: while contents change under strong validators, no client gets a mixture, or
// what was invalidated before it asked.
func TestRandomWrites(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		ns, o := several(t, nodes)
		const size = 100 << 10
		var mu sync.Mutex
		var at, told [4]int // versions at the origin, and those whose POST has been answered
		for i := range 4 {
			o.Handle(fmt.Sprint("/f", i), func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				if r.Method == "POST" {
					at[i]++
				}
				v := at[i]
				mu.Unlock()
				if r.Method == "POST" {
					return
				}
				f := origintest.File{Size: size, Seed: byte(v), ETag: fmt.Sprintf(`"%d"`, v),
					Header: maxAge("600")}
				if i == 3 {
					f.ETag = "W/" + f.ETag
				}
				if i < 2 && r.Header.Get("Range") == "" && rand.IntN(3) > 0 {
					a := rand.IntN(size - 1)
					r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", a,
						min(size-1, a+rand.IntN(20000))))
				}
				f.ServeHTTP(w, r)
			})
		}
		var wg sync.WaitGroup
		bad := map[string]int{}
		for cl := range 10 {
			wg.Go(func() {
				for k := range 60 {
					i := rand.IntN(4)
					a := rand.Int64N(size)
					b := min(size, a+1+rand.Int64N(30000))
					path := fmt.Sprint("/files/f", i)
					n := ns[(cl+k)%nodes]
					if rand.IntN(12) == 0 {
						resp, err := n.try("POST", path)
						if err != nil {
							t.Error(err)
							return
						}
						resp.Body.Close()
						mu.Lock()
						told[i]++
						mu.Unlock()
						continue
					}
					var fields []string
					lo, hi := int64(0), int64(size)
					if rand.IntN(4) > 0 {
						fields = []string{fmt.Sprintf("Range: bytes=%d-%d", a, b-1)}
						lo, hi = a, b
					}
					mu.Lock()
					least := told[i] // of that many POSTs at least the effect is to be seen
					mu.Unlock()
					resp, err := n.try("GET", path, fields...)
					if err != nil {
						t.Error(err)
						return
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					mu.Lock()
					most := at[i]
					mu.Unlock()
					what := "wrong bytes"
					if err != nil {
						what = "aborted"
					} else if resp.StatusCode == 206 &&
						resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", lo, hi-1,
							int64(size)) {
						what = "another part"
					} else if resp.StatusCode == http.StatusBadGateway && i < 2 {
						what = "a part where all was asked for"
					} else if resp.StatusCode >= 400 {
						what = fmt.Sprint(resp.StatusCode)
					} else {
						for v := 0; v <= most; v++ {
							if bytes.Equal(got, origintest.Content(byte(v), lo, hi)) {
								what = "ok"
								if v < least {
									what = fmt.Sprint("stale f", i, " cs ",
										resp.Header.Get("Cache-Status"))
								}
							}
						}
					}
					mu.Lock()
					bad[what]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		t.Log(nodes, bad)
		for what := range bad {
			if what != "ok" && what != "another part" && what != "aborted" &&
				what != "a part where all was asked for" {
				t.Error(what)
			}
		}
	}
}
