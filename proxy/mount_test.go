package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/proxy"
)

// TestMount: all that is served under one mount is served under any other, by the same name at the
// origin, and what Explain tells of a path is what becomes of it.
func TestMount(t *testing.T) {
	for mount, lead := range map[string]string{
		"/": "", "/a/b/": "/a/b", "/a/b": "/a/b", "/zk/x~y/": "/zk/x~y", "/A.b-c_d/": "/A.b-c_d",
	} {
		t.Run(mount, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{Mount: mount})
			files := []string{"1.txt", "a/b/1.txt", "files/1.txt", "a%7Eb?c=%7e", "zk/1.txt", ""}
			for _, name := range files {
				path, _, _ := strings.Cut("/"+name, "?")
				o.Handle(path, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					fmt.Fprint(w, r.RequestURI)
				})
				for range 2 {
					n.expect(200, []byte("/"+name), lead+"/"+name)
				}
				if e := n.explain(false, "GET", lead+"/"+name); e.Action != "hit" {
					t.Errorf("%s: explained as %s", name, e.Action)
				}
			}
			if got := o.Count(); got != len(files) {
				t.Errorf("the origin was asked %d times", got)
			}
			n.expect(200, []byte("/1.txt"), "/zk?key=1.txt")
			n.cacheStatus(n.expect(200, []byte("/1.txt"), lead+"/1.txt"), "hit")
			if got := n.outcome("BREW", lead+"/brew"); got != "404 " { // the origin's
				t.Errorf("another method: %s", got)
			}
			o.Forget()
			for _, c := range outside(lead) {
				if got := n.outcome(c[0], c[1]); got != c[2] {
					t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
				}
				if e := n.explain(false, c[0], c[1]); fmt.Sprint(e.Status) != c[2][:3] {
					t.Errorf("%s %s: explained as %d", c[0], c[1], e.Status)
				}
			}
			if o.Count() != 0 {
				t.Errorf("the origin was asked %v", o.Requests())
			}
		})
	}
}

// outside are requests for nothing that the origin has, and the status and the Location that they
// get where the mount is lead and a slash.
func outside(lead string) [][3]string {
	list := [][3]string{{"GET", "/zk", "400 "}, {"POST", "/zk?key=1.txt", "405 "}, {"BREW", "/zk",
		"405 "}}
	if lead == "" {
		return list
	}
	return append(list, [][3]string{
		{"GET", "/", "307 " + lead + "/"}, {"HEAD", lead, "307 " + lead + "/"},
		{"GET", lead + "?a=b", "307 " + lead + "/?a=b"},
		{"POST", "/", "405 "}, {"BREW", lead, "405 "},
		{"GET", "/files/1.txt", "404 "}, {"GET", lead + "ster", "404 "}, {"BREW", "/files/",
			"404 "},
		{"GET", strings.Replace(lead, "/", "//", 1) + "/1.txt", "404 "},
	}...)
}

// outcome is the status and the Location of an answer.
func (n *node) outcome(method, path string) string {
	resp, _ := n.read(n.do(method, path))
	return fmt.Sprintf("%d %s", resp.StatusCode, resp.Header.Get("Location"))
}

// TestMountThatHidesNothing: under "/", a path that begins with two slashes is one of the origin's,
// whichever way it is written, and never another host.
func TestMountThatHidesNothing(t *testing.T) {
	n, o := fronting(t, proxy.Config{Mount: "/"})
	o.Handle("/from", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", o.URL+"//elsewhere.example/x")
		w.WriteHeader(301)
	})
	resp, _ := n.get("/from")
	to, err := resp.Location()
	if err != nil || to.Host != resp.Request.URL.Host ||
		to.EscapedPath() != "//elsewhere.example/x" {
		t.Fatalf("the redirect leads to %v, %v", to, err)
	}
	n.raw("GET //elsewhere.example/x HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
	n.raw("GET http://n HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
	n.raw("BREW http://n HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
	for i, want := range []string{"//elsewhere.example/x", "/", "/"} {
		if got := o.Requests()[i+1].URI; got != want {
			t.Errorf("the origin was asked for %s, want %s", got, want)
		}
	}
}

// TestNodesWithMountsOfTheirOwn: where a node has its resources is between it and its clients. What
// nodes share is by the origin's names.
func TestNodesWithMountsOfTheirOwn(t *testing.T) {
	mounts := []string{"/", "/a/b/", "/files/"}
	c := newCluster(t, 3, proxy.Config{}, func(i int, cfg *proxy.Config) { cfg.Mount = mounts[i] })
	get := func(i int, name string) (*http.Response, []byte) {
		return c.nodes[i].get(mounts[i] +
			name)
	}
	for f := range 6 {
		name := fmt.Sprint("f", f)
		c.o.Handle("/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Content-Location", "/at")
			fmt.Fprint(w, name)
		})
		c.o.Forget()
		for i := range 3 {
			resp, b := get((f+i)%3, name)
			if string(b) != name || resp.Header.Get("Content-Location") != mounts[(f+i)%3]+"at" {
				t.Errorf("%s through node %d: %s, %v", name, (f+i)%3, b, resp.Header)
			}
		}
		c.nodes[f%3].do("DELETE", mounts[f%3]+name).Body.Close()
		for i := range 3 {
			get(i, name)
		}
		if got := c.o.Count(); got != 3 {
			t.Errorf("the origin was asked %d times for %s", got, name)
		}
	}
}

func TestMountThatCantBe(t *testing.T) {
	for mount, why := range map[string]string{
		"files/": "begins with a slash", "/zk": "/zk is where", "/zk/": "/zk is where",
		"/a//b/": "one slash", "//": "one slash",
		"//a/": "one slash", "/a//": "one slash", "/../a/": "dot segments", "/a/./": "dot segments",
		"/a%20b/": "letters, digits",
		"/{x}/":   "letters, digits", "/a*/": "letters, digits", "/é/": "letters, digits",
		"/a?b/": "letters, digits",
	} {
		p, err := proxy.New(proxy.Config{Origin: http.NewFileTransport(http.Dir(".")),
			Mount: mount})
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(),
			mount) {
			t.Errorf("%q: %v", mount, err)
		}
	}
}
