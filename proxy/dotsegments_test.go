package proxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// packages is a flat repository as apt finds it: its index names files by a path that begins with a
// dot segment.
var packages = map[string]string{
	"Packages": "Package: a\nFilename: ./a_1.deb\nSize: 5\n\nPackage: b\nFilename: " +
		"./pool/b_2.deb\nSize: 5\n",
	"a_1.deb":      "acorn",
	"pool/b_2.deb": "beech",
}

// TestFlatRepository: apt asks for what "deb http://node/files/ ./" and the index name, as it is
// written there.
func TestFlatRepository(t *testing.T) {
	for _, base := range []string{"", "debian/"} {
		files := map[string]string{}
		for name, content := range packages {
			files[base+name] = content
		}
		served := folder(t, files)
		t.Run("folder "+base, func(t *testing.T) { installs(t, served, base) })
		t.Run("server "+base, func(t *testing.T) {
			o := origintest.New(t)
			for name, content := range files {
				o.Handle("/"+name, func(w http.ResponseWriter, r *http.Request) {
					http.ServeContent(w, r, "", origintest.Old, strings.NewReader(content))
				})
			}
			server := origin.HTTP(o.Base)
			t.Cleanup(server.CloseIdleConnections)
			installs(t, server, base)
			for _, r := range o.Requests() {
				if strings.Contains(r.URI, "/.") {
					t.Errorf("the origin was asked for %s", r.URI)
				}
			}
		})
	}
}

// installs has each of some nodes asked for the repository at base.
func installs(t *testing.T, from http.RoundTripper, base string) {
	nodes := []*node{newNode(t, proxy.Config{Origin: from})}
	if amongPeers <= 1 {
		nodes = append(nodes, newCluster(t, 3, proxy.Config{Origin: from}).nodes...)
	}
	filename := regexp.MustCompile(`Filename: (.*)`)
	for _, n := range nodes {
		resp, index := n.get("/files/" + base + "./Packages")
		if string(index) != packages["Packages"] {
			t.Fatalf("the index: %d %q", resp.StatusCode, index)
		}
		for _, m := range filename.FindAllStringSubmatch(string(index), -1) {
			content := packages[path.Clean(m[1])]
			n.expect(200, []byte(content), "/files/"+base+m[1])
			n.expect(206, []byte(content[1:3]), "/files/"+base+m[1], "Range: bytes=1-2")
			n.expect(200, []byte(content), "/zk?key="+base+m[1])
		}
	}
}

// TestListingBehindDotSegments: the links in a folder's page lead to its files, from whichever
// spelling of its path.
func TestListingBehindDotSegments(t *testing.T) {
	d := folder(t, map[string]string{"d/a b": "acorn", "d/e/x": "beech", "y": "cedar"})
	d.Browse = true
	n := newNode(t, proxy.Config{Origin: d})
	link := regexp.MustCompile(`href="([^"]*)"`)
	for at, want := range map[string]int{"/files/.": 2, "/files/d/.": 3, "/files/d/./": 3,
		"/files/d/e/..": 3, "/files/./d/": 3} {
		resp, page := n.get(at)
		links := link.FindAllStringSubmatch(string(page), -1)
		if resp.StatusCode != 200 || len(links) != want {
			t.Errorf("%s: %d with %d links: %s", at, resp.StatusCode, len(links), page)
		}
		base, err := url.Parse(n.URL + at)
		if err != nil {
			t.Fatal(err)
		}
		base = base.ResolveReference(base) // as browsers show it
		for _, l := range links {
			to, err := base.Parse(l[1])
			if err != nil {
				t.Fatal(err)
			}
			if resp, _ := n.get(to.EscapedPath()); resp.StatusCode != 200 {
				t.Errorf("%s leads to %s: %d", at, to, resp.StatusCode)
			}
		}
	}
	if resp, _ := n.get("/files/./d"); resp.StatusCode != 301 ||
		resp.Header.Get("Location") != "/files/d/" {
		t.Errorf("a folder without its slash: %d to %s", resp.StatusCode,
			resp.Header.Get("Location"))
	}
}

// TestDotSegmentsOnTheWire: the origin gets the path without them, in a request of any kind.
func TestDotSegmentsOnTheWire(t *testing.T) {
	o := newWire(t, "/base/")
	cfg := proxy.Config{Origin: origin.HTTP(o.base)}
	nodes := []*node{newNode(t, cfg)}
	if amongPeers <= 1 {
		nodes = append(nodes, newCluster(t, 3, cfg).nodes...)
	}
	for i, n := range nodes {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PROPFIND", "SCATTER"} {
			target := fmt.Sprintf("/files/./%d/x/.././%%7e%s?/./", i, method)
			n.ask(method, target)
			want := fmt.Sprintf("%s /base/%d/%%7e%s?/./ HTTP/1.1", method, i, method)
			if lines := o.heard(); len(lines) != 1 || lines[0] != want {
				t.Errorf("%s %s: the origin was asked %q", method, target, lines)
			}
		}
	}
}

// TestDotSegmentsUnderAnyMount: a path is under the mount as it is written; what follows has none.
func TestDotSegmentsUnderAnyMount(t *testing.T) {
	for _, mount := range []string{"/", "/a/b/"} {
		n := newNode(t, proxy.Config{Origin: folder(t, map[string]string{"x": "acorn",
			"zk": "beech"}), Mount: mount})
		for target, status := range map[string]int{"./x": 200, "d/../x": 200, "./zk": 200,
			"..": 400, "../x": 400, "./../x": 400, "%2e/x": 400} {
			answer := n.raw("GET " + mount + target + " HTTP/1.1\r\nHost: n\r\nConnection: " +
				"close\r\n\r\n")
			if !strings.HasPrefix(answer, fmt.Sprint("HTTP/1.1 ", status)) {
				t.Errorf("%s%s: %.40q, want %d", mount, target, answer, status)
			}
		}
	}
}
