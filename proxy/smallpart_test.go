package proxy_test

import (
	"net/http"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestPartOfASmallFile: a part of a small file that nobody has asked for before comes with the
// file, which is held from then on: no fill waits for who wants more while its only client waits
// for it.
func TestPartOfASmallFile(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	f := origintest.File{Size: 100, ETag: `"1"`, Modified: origintest.Old, Header: maxAge("600")}
	o.Handle("/first", f.ServeHTTP) // whose request makes the connection
	n.expect(http.StatusOK, origintest.Content(0, 0, 100), "/files/first")
	for path, field := range map[string]string{"/last": "Range: bytes=-5",
		"/begin": "Range: bytes=0-4", "/condition": `If-None-Match: "2"`,
		"/several": "Range: bytes=0-1,5-6"} {
		o.Handle(path, f.ServeHTTP)
		o.Forget()
		resp, _ := n.get("/files"+path, field)
		if resp.StatusCode >= 300 {
			t.Error(path, resp.Status)
		}
		eventually(t, "all is held", func() bool { return n.Stats().OriginInFlight == 0 })
		n.cacheStatus(n.expect(http.StatusOK, origintest.Content(0, 0, 100), "/files"+path), "hit")
		if o.Count() != 1 {
			t.Errorf("%s: %d origin requests", path, o.Count())
		}
	}
}
