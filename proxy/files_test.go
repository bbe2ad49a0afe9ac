package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestFiles: a node tells which files are asked for most, in whatever way, and which are largest,
// and why the origin failed.
func TestFiles(t *testing.T) {
	o := origintest.New(t)
	for i, name := range []string{"small", "large", "medium"} {
		size := []int64{10, 30_000, 2_000}[i]
		o.Handle("/"+name, origintest.File{Seed: byte(i), Size: size, Header: http.Header{
			"Cache-Control": {"max-age=60"}, "Content-Type": {"text/x-" + name}}}.ServeHTTP)
	}
	o.Handle("/broken", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	n := newNode(t, proxy.Config{Origin: origin.HTTP(o.Base)})
	ask := func(path string, times int) {
		for range times {
			resp, err := n.client.Get(n.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	if f := n.Files(10); len(f.Hottest) != 0 || len(f.Largest) != 0 || f.SampledOneIn != 1 ||
		len(n.OriginErrors()) != 0 {
		t.Errorf("at first: %+v", f)
	}
	ask("/files/small", 5)
	ask("/zk?key=small", 5)
	ask("/files/medium", 7)
	ask("/files/large", 1)
	ask("/files/broken", 1)
	ask("/nowhere", 20) // is no file
	eventually(t, "all requests are counted", func() bool {
		f := n.Files(10)
		return len(f.Hottest) == 4 && f.Hottest[0].URL == "/files/small" &&
			f.Hottest[1].URL == "/files/medium" &&
			f.Hottest[0].RequestsPerSecond > 1.2*f.Hottest[1].RequestsPerSecond &&
			f.Hottest[1].BytesPerSecond > 50*f.Hottest[0].BytesPerSecond
	})
	eventually(t, "the largest files come first", func() bool {
		got := fmt.Sprint(n.Files(2).Largest)
		return got == "[{/files/large 30000 200 text/x-large} {/files/medium 2000 200 "+
			"text/x-medium}]"
	})
	if amongPeers < 2 { // else another node may have asked
		errors := n.OriginErrors()
		if len(errors) == 0 || errors[0].URL != o.URL+"/broken" || errors[0].Method != "GET" ||
			errors[0].Text == "" || errors[0].At.IsZero() {
			t.Errorf("%+v", errors)
		}
	}
}
