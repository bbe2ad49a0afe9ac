package proxy_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/scurrycache/scurry/proxy"
)

// answering makes an origin's handler that tells the query it was asked for.
func answering(noVarySearch string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if noVarySearch != "" {
			w.Header().Set("No-Vary-Search", noVarySearch)
		}
		io.WriteString(w, r.URL.RawQuery)
	}
}

func TestNoVarySearch(t *testing.T) {
	for _, tt := range []struct {
		field string
		hits  [][2]string // the second is answered with what is stored for the first
		other [][2]string
	}{
		{`params=("utm")`, [][2]string{{"a=1", "a=1&utm=x"}, {"a=1&utm=x", "utm=y&a=1"},
			{"a=%61", "a=a"}, {"utm=1", ""}}, [][2]string{{"a=1", "a=2"}, {"a=1&b=2", "b=2&a=1"}}},
		{`except=("id")`, [][2]string{{"id=1", "id=1&x=2"}}, [][2]string{{"id=1", "id=2"}}},
		{`params, except=("id")`, [][2]string{{"id=1", "id=1&x=2"}}, [][2]string{{"id=1", "id=2"}}},
		{"key-order", [][2]string{{"a=1&b=2", "b=2&a=1"}}, [][2]string{{"a=1&a=2", "a=2&a=1"}}},
		{"", nil, [][2]string{{"a=1", "a=1&utm=x"}, {"", "a"}}},
		{"no structured field ]", nil, [][2]string{{"a=1", "a=1&utm=x"}}},
	} {
		t.Run(tt.field, func(t *testing.T) {
			for _, on := range []bool{true, false} {
				for i, pair := range append(tt.hits, tt.other...) {
					n, o := fronting(t, proxy.Config{NoVarySearch: on})
					o.Handle("/f", answering(tt.field))
					n.expect(200, []byte(pair[0]), "/files/f?"+pair[0])
					want := pair[1]
					if on && i < len(tt.hits) {
						want = pair[0]
					}
					n.expect(200, []byte(want), "/files/f?"+pair[1])
					n.cacheStatus(n.expect(200, []byte(want), "/files/f?"+pair[1]), "hit")
				}
			}
		})
	}
}

// TestNoVarySearchChanges: what the newest response says counts, and an unsafe request invalidates
// whatever stands for it.
func TestNoVarySearchChanges(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", answering(`params=("x")`))
	n.expect(200, []byte("x=1"), "/files/f?x=1")
	n.expect(200, []byte("x=1"), "/files/f?x=2")
	n.do("POST", "/files/f?x=3").Body.Close()
	if got := o.Requests()[1].URI; got != "/f?x=3" {
		t.Errorf("the origin was asked for %s", got)
	}
	o.Handle("/f", answering(""))
	n.expect(200, []byte("x=2"), "/files/f?x=2")
	for _, query := range []string{"x=1", "x=2", "x=3"} {
		n.expect(200, []byte(query), "/files/f?"+query)
		n.cacheStatus(n.expect(200, []byte(query), "/files/f?"+query), "hit")
	}
}

// TestNoVarySearchAmongNodes: whatever was asked first, and on whichever node, one response answers
// for all.
func TestNoVarySearchAmongNodes(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{NoVarySearch: true})
	for _, path := range []string{"a", "b", "c", "d"} {
		c.o.Handle("/"+path, answering(`params=("x")`))
		c.o.Forget()
		for i, query := range []string{"x=1", "x=2", "", "x=3&x=4"} {
			c.nodes[i%3].expect(200, []byte("x=1"), "/files/"+path+"?"+query)
		}
		if c.o.Count() != 1 {
			t.Errorf("%d origin requests", c.o.Count())
		}
		c.nodes[1].do("DELETE", "/files/"+path+"?x=9").Body.Close()
		c.o.Forget()
		for i := range 3 {
			if _, b := c.nodes[i].get("/files/" + path + "?x=7"); c.o.Count() != 1 {
				t.Errorf("%d origin requests after it was invalidated: %s", c.o.Count(), b)
			}
		}
	}
}
