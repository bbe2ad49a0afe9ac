package proxy_test

import (
	"fmt"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestCrawlLeavesWhatIsHot: a thousand files, which have been asked for a few times, are still held
// when a client has read ten times as much as there is memory, each file once, and nobody has asked
// for any of the thousand meanwhile. It doesn't matter whether the memory was full when they came.
func TestCrawlLeavesWhatIsHot(t *testing.T) {
	oneNode(t)
	if raceEnabled {
		t.Skip("it asks for many files one after the other, which takes long under the race " +
			"detector and shows it nothing")
	}
	const memory, hot = 4 << 20, 1000
	sizes := map[string]int{"hot": 1500, "little": 300, "small": 300, "file": 5000,
		"large": 300_000}
	for _, name := range []string{"small", "file", "large"} {
		for _, late := range []bool{false, true} {
			if name == "small" && late { // these are in records, which are many: it takes long
				continue
			}
			t.Run(fmt.Sprintf("%s/late=%v", name, late), func(t *testing.T) {
				u := &usual{sizes: sizes}
				p, err := proxy.New(proxy.Config{Origin: u, Memory: memory, FirstChunk: first,
					MaxChunk: most, Slab: slab})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				askHot := func() int {
					return u.ask(t, p, "hot/%d", 0, hot/2) + u.ask(t, p, "little/%d", 0, hot/2)
				}
				crawl := 10 * memory / (sizes[name] + 900)
				if late {
					u.ask(t, p, name+"/before%d", 0, crawl/5)
				}
				for range 3 {
					askHot()
				}
				if missed := u.ask(t, p, name+"/%d", 0, crawl); missed != crawl {
					t.Errorf("%d of %d files came from the origin", missed, crawl)
				}
				if missed := askHot(); missed > hot/20 {
					t.Errorf("%d of %d files have gone: %+v", missed, hot, p.Stats())
				}
			})
		}
	}
}

// TestCrawlOfACluster: a crawl by way of all nodes leaves what is hot on their owners, although
// each node also has near copies of what the others have fetched.
func TestCrawlOfACluster(t *testing.T) {
	oneNode(t)
	if raceEnabled {
		t.Skip("it asks for many files one after the other, which takes long under the race " +
			"detector and shows it nothing")
	}
	const hot = 300
	for _, size := range []int64{3000, 40_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c := newCluster(t, 3, proxy.Config{})
			ask := func(name string, n int, f origintest.File) (missed int) {
				c.o.Forget()
				for i := range n {
					path := fmt.Sprint(name, i)
					c.o.Handle("/"+path, f.ServeHTTP)
					c.nodes[i%3].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
				}
				return c.o.Count()
			}
			warm := origintest.File{Size: 1500, ETag: `"1"`, Header: maxAge("600")}
			for range 3 {
				ask("hot", hot, warm)
			}
			ask("crawl", 10*3*memory/int(size+600), origintest.File{Size: size, ETag: `"1"`,
				Header: maxAge("600")})
			if missed := ask("hot", hot, warm); missed > hot/20 {
				t.Errorf("%d of %d files have gone", missed, hot)
			}
		})
	}
}
