package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/scurrycache/scurry/proxy"
)

// grouped makes an origin's handler of a fresh response in those groups.
func grouped(groups string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Cache-Group-Invalidation", groups)
			return
		}
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Cache-Groups", groups)
		io.WriteString(w, "nuts")
	}
}

// TestGroupsAreInvalidatedEverywhere: whichever node an unsafe request comes through, all drop what
// belongs to the groups that its response names, and nothing else (RFC 9875).
func TestGroupsAreInvalidatedEverywhere(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	const files = 12
	for i := range files {
		c.o.Handle(fmt.Sprint("/", i), grouped(fmt.Sprintf(`"all", "even%d"`, i%2)))
	}
	c.o.Handle("/even", grouped(`"even0"`))
	c.o.Handle("/all", grouped(`"all"`))
	c.o.Handle("/none", grouped(`"other"`))
	read := func(want int) {
		t.Helper()
		c.o.Forget()
		for i := range files {
			for n := range 3 {
				c.nodes[n].expect(200, []byte("nuts"), fmt.Sprint("/files/", i))
			}
		}
		if got := c.o.Count(); got != want {
			t.Errorf("%d origin requests, want %d", got, want)
		}
	}
	read(files)
	for n, step := range []struct {
		path string
		want int
	}{{"even", files / 2}, {"all", files}, {"none", 0}} {
		c.nodes[n].do("POST", "/files/"+step.path).Body.Close()
		read(step.want)
	}
	c.nodes[0].get("/files/all") // safe: it is stored, and invalidates nothing
	read(0)
}

// TestGroupInvalidatedMeanwhile: what was asked for before its group was invalidated isn't stored
// after.
func TestGroupInvalidatedMeanwhile(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	asked, answer := make(chan bool), make(chan bool)
	o.Handle("/a", func(w http.ResponseWriter, r *http.Request) {
		asked <- true
		<-answer
		grouped(`"g"`)(w, r)
	})
	o.Handle("/b", grouped(`"g"`))
	o.Handle("/c", grouped(`"h"`))
	get := func(invalidate string) {
		t.Helper()
		done := make(chan bool)
		go func() {
			defer close(done)
			n.expect(200, []byte("nuts"), "/files/a")
		}()
		<-asked
		n.do("POST", "/files/"+invalidate).Body.Close()
		answer <- true
		<-done
	}
	get("b") // isn't stored
	get("c") // is
	n.cacheStatus(n.expect(200, []byte("nuts"), "/files/a"), "hit")
}

// TestGroupFields: other fields name groups if they are to.
func TestGroupFields(t *testing.T) {
	n, o := fronting(t, proxy.Config{GroupFields: []string{"surrogate-key", "Cache-Tag"}})
	for path, field := range map[string][2]string{"/k": {"Surrogate-Key", "x g y"},
		"/t": {"Cache-Tag", "x,g"}, "/o": {"Other", "g"}} {
		o.Handle(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			w.Header().Set(field[0], field[1])
		})
	}
	o.Handle("/p", grouped(`"g"`))
	for _, path := range []string{"k", "t", "o"} {
		n.expect(200, nil, "/files/"+path)
	}
	n.do("DELETE", "/files/p").Body.Close()
	n.cacheStatus(n.expect(200, nil, "/files/k"), "fwd=uri-miss")
	n.cacheStatus(n.expect(200, nil, "/files/t"), "fwd=uri-miss")
	n.cacheStatus(n.expect(200, nil, "/files/o"), "hit")
}
