package site

import (
	"testing"
)

// TestNamed: operators name resources as clients ask for them.
func TestNamed(t *testing.T) {
	const none = "\x00"
	for _, c := range []struct{ mount, text, key, prefix string }{
		{"/files/", "/files/a", "a", "a"},
		{"/files/", "http://h/files/a?q", "a?q", none},
		{"/files/", "HTTPS://h:8443/files/a/", "a/", "a/"},
		{"/files/", "h.example/files/a", "a", "a"},
		{"/files/", "localhost:9001/files/a", "a", "a"},
		{"/files/", "files/a", "a", "a"},
		{"/files/", "files/files/a", "files/a", "files/a"},
		{"/files/", "/zk?key=a%20b", "a%20b", none},
		{"/files/", "h.example/zk?key=a", none, none},
		{"/files/", "/files/", "", ""},
		{"/files/", "/files", none, ""},
		{"/files/", "h.example/files", none, ""},
		{"/files/", "/files/a/../b/./c", "b/c", "b/c"},
		{"/files/", "/files/a?x=http://y/z", "a?x=http://y/z", none},
		{"/files/", "//files/a", none, none},
		{"/files/", "/", none, none},
		{"/files/", "/other/a", none, none},
		{"/files/", "/filesystem/a", none, none},
		{"/files/", "h.example/a", none, none},
		{"/files/", "", none, none},
		{"/files/", "*", none, none},
		{"/files/", "ftp://h/files/a", none, none},
		{"/files/", "http://u:p@h/files/a", none, none},
		{"/files/", "/files/a#b", none, none},
		{"/files/", "/files/../a", none, none},
		{"/files/", "/files/%2e%2e/a", none, none},
		{"/files/", "/files/%zz", none, none},
		{"/", "/robots.txt", "robots.txt", "robots.txt"},
		{"/", "http://h/robots.txt", "robots.txt", "robots.txt"},
		{"/", "http://h", "", ""},
		{"/", "/", "", ""},
		{"/", "h.example/robots.txt", none, none}, // what is the host?
		{"/", "robots.txt", none, none},
		{"/a/b/", "h/a/b/c", "c", "c"},
		{"/a/b/", "a/b/c", "c", "c"},
		{"/a/b/", "/a/b", none, ""},
		{"/a/b/", "/a", none, none},
	} {
		s := mounted(t, c.mount, "http://o/")
		for how, call := range map[string]struct {
			named func(string) (string, error)
			want  string
		}{"a resource": {s.Named, c.key}, "a prefix": {s.NamedPrefix, c.prefix}} {
			got, err := call.named(c.text)
			if wrong := call.want == none; wrong != (err != nil) || !wrong && got != call.want {
				t.Errorf("under %s, %q as %s is %q, %v; want %q", c.mount, c.text, how, got, err,
					call.want)
			}
		}
	}
}
