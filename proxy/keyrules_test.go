package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// urisOf are those that the origin was asked for.
func urisOf(o *origintest.Origin) (uris []string) {
	for _, r := range o.Requests() {
		uris = append(uris, r.URI)
	}
	return uris
}

// TestQueryRules: what of the query makes another resource, by both lanes, and what the origin
// gets.
func TestQueryRules(t *testing.T) {
	tests := []struct {
		name    string
		rules   proxy.KeyRules
		queries []string
		want    []string // of the origin
	}{
		{"as it is", proxy.KeyRules{}, []string{"?a=1&b=2", "?b=2&a=1", "?", ""},
			[]string{"?a=1&b=2", "?b=2&a=1", "?", ""}},
		{"some", proxy.KeyRules{QueryKeep: []string{"b", "a"}}, []string{"?a=1&x=7", "?x=8&a=1",
			"?a=1", "?y", "?", "", "?%61=1"}, []string{"?a=1", "", "?%61=1"}},
		{"none", proxy.KeyRules{QueryKeep: []string{}}, []string{"?a=1", "?b", ""}, []string{""}},
		{"sorted", proxy.KeyRules{QuerySort: true}, []string{"?a=1&b=2", "?b=2&a=1", "?b=2&&a=1&",
			"?b=2&a=2"}, []string{"?a=1&b=2", "?a=2&b=2"}},
		{"both", proxy.KeyRules{QueryKeep: []string{"a", "b"}, QuerySort: true},
			[]string{"?b=2&x&a=1", "?a=1&y&b=2"}, []string{"?a=1&b=2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{Keys: tt.rules})
			o.Handle("/f", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
			for range 3 {
				for _, query := range tt.queries {
					n.expect(200, origintest.Content(0, 0, 100), "/files/f"+query)
				}
			}
			var want []string
			for _, query := range tt.want {
				want = append(want, "/f"+query)
			}
			if got := urisOf(o); !slices.Equal(got, want) {
				t.Errorf("the origin is asked for %q, want %q", got, want)
			}
		})
	}
}

// TestQueryRulesInvalidate: a write by another spelling of the query invalidates what is stored.
func TestQueryRulesInvalidate(t *testing.T) {
	n, o := fronting(t, proxy.Config{Keys: proxy.KeyRules{QueryKeep: []string{"a"}}})
	o.Handle("/f", origintest.File{Size: 100, Header: maxAge("60")}.ServeHTTP)
	o.Handle("/g", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Location",
			"/f?y=1&a=1")
	})
	for _, write := range []string{"/files/f?x=5&a=1", "/files/g"} {
		n.get("/files/f?a=1")
		n.cacheStatus(n.expect(200, origintest.Content(0, 0, 100), "/files/f?a=1&z"), "hit")
		n.do(http.MethodPost, write).Body.Close()
		resp, _ := n.get("/files/f?a=1")
		n.cacheStatus(resp, "fwd=")
	}
}

// TestKeyFields: a field of the key selects, although no response names it in Vary, on all nodes;
// and the origin gets it, even if others could steer it with it.
func TestKeyFields(t *testing.T) {
	for _, name := range []string{"X-Device", "X-Forwarded-Host"} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3, proxy.Config{Keys: proxy.KeyRules{Fields: []string{strings.ToLower(name)}}})
			c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				fmt.Fprintf(w, "for %q", r.Header[name])
			})
			values := []string{"", "phone", "desk"}
			for i := range 40 { // more than there may be variants
				values = append(values, fmt.Sprint("device", i%10))
			}
			var clients sync.WaitGroup
			for i, value := range values {
				clients.Go(func() {
					want, fields := "for []", []string(nil)
					if value != "" {
						want, fields = fmt.Sprintf("for [%q]", value), []string{name + ": " + value}
					}
					for range 3 {
						c.nodes[i%3].expect(200, []byte(want), "/files/f", fields...)
					}
				})
			}
			clients.Wait()
			if n := c.o.Count(); n != 13 {
				t.Errorf("the origin is asked %d times for 13 values", n)
			}
		})
	}
}

// TestDropFields: a field that is dropped selects nothing, and no request to the origin has it.
func TestDropFields(t *testing.T) {
	n, o := fronting(t, proxy.Config{Keys: proxy.KeyRules{DropFields: []string{"cookie",
		"Authorization", "X-Forwarded-For"}}})
	file := origintest.File{Size: 3*slab + 1, ETag: `"1"`,
		Header: http.Header{"Cache-Control": {"max-age=60"}, "Vary": {"Cookie"}}}
	for _, path := range []string{"/f", "/g"} {
		o.Handle(path, file.ServeHTTP)
	}
	o.Handle("/private", origintest.File{Size: 10,
		Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
	secrets := []string{"Cookie: a=1", "Authorization: Basic YTpi", "X-Forwarded-For: 1.1.1.1"}
	n.get("/files/f", secrets...)
	n.cacheStatus(n.expect(200, origintest.Content(0, 0, file.Size), "/files/f", "Cookie: a=2"),
		"hit")
	n.get("/files/g", append(secrets, "Range: bytes=150000-150010")...)
	n.get("/files/private", secrets...)
	n.get("/files/private", secrets...)
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodOptions,
		http.MethodDelete} {
		n.read(n.do(method, "/files/private", secrets...))
	}
	for _, r := range o.Requests() {
		for _, name := range []string{"Cookie", "Authorization"} {
			if r.Header[name] != nil {
				t.Errorf("%s %s has %s: %q", r.Method, r.URI, name, r.Header[name])
			}
		}
		if strings.Contains(fmt.Sprint(r.Header), "1.1.1.1") {
			t.Errorf("%s %s has a dropped address: %v", r.Method, r.URI, r.Header)
		}
	}
}

// TestRuledFieldsAreFast: the fast lane answers requests that have fields of the key, or dropped
// ones, by the same rules.
func TestRuledFieldsAreFast(t *testing.T) {
	oneNode(t)
	n, o := fronting(t, proxy.Config{Keys: proxy.KeyRules{Fields: []string{"X-Device"},
		DropFields: []string{"Authorization", "Cache-Control"}}})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "for %q", r.Header["X-Device"])
	})
	n.get("/files/f", "X-Device: a")
	n.get("/files/f", "X-Device: b")
	for fields, want := range map[string]string{"X-Device: a\r\n": `for ["a"]`,
		"x-device: b\r\nAuthorization: c\r\n": `for ["b"]`, "X-Device: b\r\nCache-Control: " +
			"no-cache\r\n": `for ["b"]`, "X-Device: c\r\n": ""} {
		var c laneClient
		text := "GET /files/f HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"
		taken, next, err := n.Lane().Serve(&c, []byte(text))
		if err != nil || (taken > 0 && next == nil) != (want != "") ||
			!strings.HasSuffix(c.String(), want) {
			t.Errorf("%q: %d bytes are taken, %q", fields, taken, c.String())
		}
	}
}

// TestOtherKeyRules: nodes whose rules differ share nothing.
func TestOtherKeyRules(t *testing.T) {
	listeners, names := listenForPeers(t, 2)
	o := origintest.New(t)
	o.Handle("/f", origintest.File{Size: 100, Header: maxAge("60")}.ServeHTTP)
	server := origin.HTTP(o.Base)
	t.Cleanup(server.CloseIdleConnections)
	var nodes []*node
	for i, l := range listeners {
		cfg := proxy.Config{Origin: server, Cluster: proxy.Cluster{Listener: l, Peers: names}}
		cfg.Keys.QuerySort = i == 1
		nodes = append(nodes, newNode(t, cfg))
	}
	for i, n := range nodes {
		eventually(t, "the other one isn't let in", func() bool {
			s := n.Stats()
			return s.PeersRefused > 0 && len(s.Ring) <= 1
		})
		n.get("/files/f?b&a")
		if want := []string{"/f?b&a", "/f?a&b"}[i]; urisOf(o)[i] != want {
			t.Errorf("the origin is asked for %q", urisOf(o))
		}
	}
}

// TestKeyRulesAreChecked: what can't be is an error of New.
func TestKeyRulesAreChecked(t *testing.T) {
	for _, rules := range []proxy.KeyRules{
		{Fields: []string{"Range"}}, {Fields: []string{"host"}},
		{DropFields: []string{"Connection"}}, {Fields: []string{"a b"}},
		{Fields: []string{"X-A"}, DropFields: []string{"x-a"}},
		{Fields: []string{"X-Forwarded-For"}},
	} {
		if err := (proxy.Config{Origin: refuse{}, Keys: rules}).Validate(); err == nil {
			t.Errorf("%+v is valid", rules)
		}
	}
}

// TestReadOnly: what may change something doesn't get to the origin.
func TestReadOnly(t *testing.T) {
	n, o := fronting(t, proxy.Config{ReadOnly: true})
	o.Handle("/f", origintest.File{Size: 100, Header: maxAge("60")}.ServeHTTP)
	refused := []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "MKCOL", "X"}
	for _, method := range refused {
		resp, _ := n.read(n.do(method, "/files/f"))
		if resp.StatusCode != http.StatusMethodNotAllowed ||
			resp.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: %s, Allow: %s", method, resp.Status, resp.Header.Get("Allow"))
		}
	}
	if n.Stats().Refused.ReadOnly != int64(len(refused)) || o.Count() > 0 {
		t.Errorf("%d are counted, and %d come to the origin", n.Stats().Refused.ReadOnly, o.Count())
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		if resp, _ := n.read(n.do(method, "/files/f")); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
	r, _ := http.NewRequest(http.MethodPost, "/files/f", nil)
	if x := n.Explain(r, false); x.Action != "refuse" || x.Status != 405 {
		t.Errorf("explained as %s, %d", x.Action, x.Status)
	}
}
