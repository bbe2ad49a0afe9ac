package proxy_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestFolderIsReplaced: while there is no folder, stored responses stand in for its files; when
// there is another, its files are seen as soon as the stored responses are validated.
func TestFolderIsReplaced(t *testing.T) {
	site := filepath.Join(t.TempDir(), "site")
	deploy := func(content string) {
		file := filepath.Join(site, "a.txt")
		for _, err := range []error{
			os.Mkdir(site, 0o755), os.WriteFile(file, []byte(content), 0o644), os.Chtimes(file,
				origintest.Old, origintest.Old),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	deploy("one")
	d, err := origin.OpenDir(site)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := newClock()
	n := newNode(t, proxy.Config{Origin: d, Now: c.Now})
	n.expect(200, []byte("one"), "/files/a.txt")
	if err := os.Rename(site, site+".old"); err != nil {
		t.Fatal(err)
	}
	c.Advance(2 * time.Minute)
	n.cacheStatus(n.expect(200, []byte("one"), "/files/a.txt"), "hit")
	if resp, _ := n.get("/files/b.txt"); resp.StatusCode != 502 {
		t.Errorf("a file that isn't stored, of a folder that isn't there: %d", resp.StatusCode)
	}
	deploy("two!")
	c.Advance(2 * time.Minute)
	n.cacheStatus(n.expect(200, []byte("two!"), "/files/a.txt"), "fwd-status=200")
	n.cacheStatus(n.expect(404, []byte("404 Not Found\n"), "/files/b.txt"), "fwd-status=404")
}
