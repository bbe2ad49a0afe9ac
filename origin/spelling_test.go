package origin

import (
	"net/http"
	"net/url"
	"testing"
)

// TestSpelling: the request line has the path as RawPath spells it, unless it spells another path,
// or none.
func TestSpelling(t *testing.T) {
	for _, c := range []struct {
		path, raw string
		proxied   bool
		want      string
	}{
		{path: "/~a", raw: "/%7Ea", want: "/%7Ea?q=%7e"},
		{path: "/~a", want: "/~a?q=%7e"},
		{path: "/~{é", raw: "/%7E{é", want: "/%7E{é?q=%7e"},
		{path: "/~{é", raw: "/%7E{é", proxied: true, want: "http://files.example/%7E{é?q=%7e"},
		{path: "/~a", raw: "/%7Ea", proxied: true, want: "http://files.example/%7Ea?q=%7e"},
		{path: "//~{", raw: "//%7E{", want: "http://files.example//%7E{?q=%7e"},
		{path: "//~a", raw: "//%7Ea", want: "//%7Ea?q=%7e"},
		{path: "/{", raw: "/}", want: "/%7B?q=%7e"},
		{path: "/{ a", raw: "/{ a", want: "/%7B%20a?q=%7e"},
		{path: "/{?a", raw: "/{?a", want: "/%7B%3Fa?q=%7e"},
		{path: "/{", raw: "/{%zz", want: "/%7B?q=%7e"},
	} {
		s := HTTP(&url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/"})
		s.Host = "files.example"
		var via *url.URL
		if c.proxied {
			via = &url.URL{Scheme: "http", Host: "proxy.example"}
		}
		u := &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: c.path, RawPath: c.raw,
			RawQuery: "q=%7e"}
		req, err := http.NewRequest("GET", "http://127.0.0.1:1/", nil)
		check(t, err)
		req.URL = u
		if got := s.outgoing(t.Context(), req, via).URL.RequestURI(); got != c.want {
			t.Errorf("%q as %q goes as %q, want %q", c.path, c.raw, got, c.want)
		}
	}
}
