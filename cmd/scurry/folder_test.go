package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFolderChangesShow: what changes in the folder that is the origin shows at the next request,
// though what is stored is fresh for a minute: a file that is written, replaced, made, removed or
// moved, its folder's list, and what is in a folder that is moved.
func TestFolderChangesShow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := time.Now().Add(-1000 * time.Hour)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		// in the same size and with the same time, as those who keep times do
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "one")
	write("gone.txt", "gone")
	write("b c/d?.txt", "one")
	write("t/u/v.txt", "deep")
	s := startScurry(t, nil, "--origin", dir, "--browse", "--log-level=debug")
	s.log.await(t, "the folder is watched")
	get := func(path string) string {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return fmt.Sprint(resp.StatusCode, " ", string(b))
	}
	shows := func(path, want string, not ...string) {
		t.Helper()
		var got string
		if !eventually(func() bool {
			got = get(path)
			for _, n := range not {
				if strings.Contains(got, n) {
					return false
				}
			}
			return strings.Contains(got, want)
		}) {
			t.Errorf("%s: %.300q", path, got)
		}
	}
	for _, path := range []string{"", "a.txt", "a.txt?q", "gone.txt", "b%20c/d%3f.txt", "b%20c/", "t/u/v.txt", "t/", "new.txt", "w/u/v.txt"} {
		get(path)
	}
	shows("a.txt", "200 one")

	write("a.txt", "two")
	shows("a.txt", "200 two")
	shows("a.txt?q", "200 two")
	write("b c/d?.txt", "two")
	shows("b%20c/d%3f.txt", "200 two")
	write("new.txt", "new")
	shows("new.txt", "200 new")
	shows("", "new.txt")
	if err := os.Remove(filepath.Join(dir, "gone.txt")); err != nil {
		t.Fatal(err)
	}
	shows("gone.txt", "404")
	shows("", "new.txt", "gone.txt")
	if err := os.Rename(filepath.Join(dir, "t"), filepath.Join(dir, "w")); err != nil {
		t.Fatal(err)
	}
	shows("w/u/v.txt", "200 deep")
	shows("t/u/v.txt", "404")
	write("w/u/v.txt", "deeper")
	shows("w/u/v.txt", "200 deeper")
}
