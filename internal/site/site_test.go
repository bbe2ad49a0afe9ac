package site

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// mounted returns a site whose origin is at base, which also goes by the name of alias:81.
func mounted(t testing.TB, mount, base string) *Site {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	path, err := ParseMount(mount)
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Mount: path, Base: u, Aliases: []string{"alias:81"}, NoVarySearch: true})
}

func TestWay(t *testing.T) {
	for _, c := range []struct {
		mount, path string
		want        Way
	}{
		{"/files/", "/files/", ToResource}, {"/files/", "/files/a", ToResource},
		{"/files/", "/files", ToMount}, {"/files/", "/", ToMount}, {"/files/", "", ToMount},
		{"/files/", "/filesystem", ToNothing}, {"/files/", "/a", ToNothing},
		{"/files/", "//files/a", ToNothing}, {"/files/", "/%66iles/a", ToNothing},
		{"/files/", "/zk", ToForm}, {"/files/", "/zk/", ToNothing}, {"/files/", "/zkk", ToNothing},
		{"/a/b/", "/a/b", ToMount}, {"/a/b/", "/a", ToNothing}, {"/a/b/", "/a/", ToNothing},
		{"/a/b/", "/a/b/c", ToResource}, {"/a/b/", "/a%2Fb/c", ToNothing},
		{"/", "/", ToResource}, {"/", "", ToResource}, {"/", "//a", ToResource},
		{"/", "/zk", ToForm}, {"/", "/zk/", ToResource}, {"/", "/files/a", ToResource},
	} {
		u, err := url.Parse("http://n" + c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := mounted(t, c.mount, "http://o/").Way(u); got != c.want {
			t.Errorf("%q under %s: %d, want %d", c.path, c.mount, got, c.want)
		}
	}
}

// FuzzForClients: a client that follows a URL which the origin has written comes to the resource
// that the origin means, if it is one of the site's, and never to another host for it.
func FuzzForClients(f *testing.F) {
	for _, v := range []string{
		"/base/x", "x", "../base/a%2Fb", "?q", "#f", "//alias:81/base/y?z", "http://o/base/%7Ea",
		"/elsewhere",
		"/base//evil.example/x", "/base/?", "/base/a b", "/base/é{|}", "/base/./../base/x",
		"http://o/base",
		"https://o/base/x", "mailto:a@o", "/base/a?b#c", "/%62ase/x", "//o/base//x", "/base/%2F/x",
	} {
		f.Add(v, "dir/file?q")
	}
	f.Add("x", "#dir/")
	f.Fuzz(func(t *testing.T, v, from string) {
		path, query, hasQuery := strings.Cut(from, "?")
		if key, err := keyOf(path, query, hasQuery); err != nil || key != from ||
			strings.ContainsFunc(from, unsendable) {
			return
		}
		for _, mount := range []string{"/", "/files/", "/a/b/"} {
			for _, base := range []string{"http://o/base/", "http://o/"} {
				s := mounted(t, mount, base)
				key, ok := s.KeyFromOrigin(v, from)
				if !ok {
					continue
				}
				seen := s.ForClients([]string{v}, from)[0]
				at := New(Config{Base: &url.URL{Scheme: "http", Host: "node",
					Path: s.Mount}}).Target(from)
				at.Path, at.RawPath = at.RawPath, "" // as written
				to, err := url.Parse(seen)
				if err != nil || to.User != nil {
					continue // it stays as the origin wrote it, which no client can follow
				}
				to.Path, to.RawPath = Spelling(to), ""
				to = at.ResolveReference(to)
				to.RawPath = to.Path
				if to.Path, err = url.PathUnescape(to.RawPath); err != nil {
					t.Fatalf("%q of %q is %q to clients: %v", v, from, seen, err)
				}
				got, err := s.KeyFromURL(to)
				if strings.Contains(from, "#") { // which no URL has but in escapes
					got, key = Canonical(got), Canonical(key)
				}
				if to.Host != "node" || err != nil || got != key {
					t.Fatalf("%s: %q of %q is %q to clients, so %s: %q, %v; want %q",
						mount, v, from, seen, to, got, err, key)
				}
			}
		}
	})
}

// said is a stored response with that No-Vary-Search.
type said string

func (s said) Header() http.Header { return http.Header{"No-Vary-Search": {string(s)}} }

// TestNewestRuleOfAPath: requests are looked up by what the newest response says, whichever is
// observed last, and answered by what each response says itself.
func TestNewestRuleOfAPath(t *testing.T) {
	s, at := mounted(t, "/", "http://o/"), time.Unix(1e9, 0)
	s.Observe(said(`params=("x")`), "a", at)
	s.Observe(said(`params=("y")`), "a", at.Add(-time.Second))
	if got := strings.Join(s.Keys("a?x=1"), " "); got != "a a?x=1" {
		t.Errorf("the keys are %s", got)
	}
	if got := s.KeyOf("a?y=1&x=2", said(`params=("y")`).Header()); got != "a?x=2" {
		t.Errorf("the key is %s", got)
	}
	y := said(`params=("y")`)
	if !s.Answers(y, "a?x=2&y=1", "a?x=2") || s.Answers(y, "a?x=2", "a?x=3") {
		t.Error("a response doesn't answer by its own rule")
	}
	if !s.Concerns(y, "%61?y=1", "a") || s.CanonicalKey("%61?y=1") != "a" {
		t.Error("spellings of a path aren't the same to an invalidation")
	}
	s.Observe(said(""), "a", at.Add(time.Second))
	if got := s.LikelyKey("a?x=1"); got != "a?x=1" {
		t.Errorf("the key is %s, by a rule that is no more", got)
	}
}
