package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/watch"
	"github.com/scurrycache/scurry/proxy"
)

// TestFollower: what is purged are the URLs of what has changed, as clients spell them, and of the
// folder that shows it; a tree is a prefix; the whole is validated.
func TestFollower(t *testing.T) {
	var asked []proxy.PurgeRequest
	f := follower{ctx: t.Context(), mount: "/files/", log: zerolog.Nop(),
		purge: func(_ context.Context, q proxy.PurgeRequest) (proxy.PurgeResult, error) {
			asked = append(asked, q)
			return proxy.PurgeResult{}, nil
		}}
	f.changed(watch.Changes{Paths: []string{"a b", "d/e?", "d/f"}, Trees: []string{".", "d/g",
		"h"}})
	want := []proxy.PurgeRequest{
		{URLs: []string{"/files/", "/files/a%20b", "/files/a%20b/", "/files/d/", "/files/d/e%3F",
			"/files/d/e%3F/", "/files/d/f", "/files/d/f/"}, Queries: true},
		{Prefixes: []string{"/files/"}, Soft: true},
		{URLs: []string{"/files/d/", "/files/"}, Prefixes: []string{"/files/d/g", "/files/h"},
			Queries: true},
	}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("purges\n%+v, want\n%+v", asked, want)
	}
	asked = nil
	var many []string
	for i := range maxNames {
		many = append(many, fmt.Sprintf("d/%04d", i))
	}
	f.changed(watch.Changes{Paths: many})
	if len(asked) != 3 || slices.ContainsFunc(asked,
		func(q proxy.PurgeRequest) bool { return len(q.URLs) > maxNames }) {
		t.Errorf("%d purges", len(asked))
	}
}

// TestFollowingEnds: a node that ends doesn't wait for a purge that waits for another node. It ends
// that, and no other purge begins.
func TestFollowingEnds(t *testing.T) {
	dir := t.TempDir()
	begun, closed := make(chan struct{}, 9), make(chan struct{})
	purge := func(context.Context, proxy.PurgeRequest) (proxy.PurgeResult, error) {
		begun <- struct{}{}
		<-closed
		return proxy.PurgeResult{}, nil
	}
	stop, wait := followFolder(&config.Config{Origin: config.Origin{Dir: dir}}, purge,
		zerolog.Nop())
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	<-begun
	write("b")
	if err := stop(); err != nil { // though the purge goes on
		t.Error(err)
	}
	close(closed)
	if err := wait(); err != nil {
		t.Error(err)
	}
	if len(begun) > 0 {
		t.Errorf("%d purges have begun since", len(begun))
	}
}

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
	write("i/index.html", "one")
	s := startScurry(t, nil, "--origin", dir, "--browse")
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
	for _, path := range []string{"", "a.txt", "a.txt?q", "gone.txt", "b%20c/d%3f.txt", "b%20c/",
		"t/u/v.txt", "t/", "new.txt", "w/u/v.txt", "i/"} {
		get(path)
	}
	shows("a.txt", "200 one")

	write("a.txt", "two")
	shows("a.txt", "200 two")
	shows("a.txt?q", "200 two")
	write("b c/d?.txt", "two")
	shows("b%20c/d%3f.txt", "200 two")
	write("i/index.html", "two")
	shows("i/", "200 two")
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
	shows("", "w/", "t/")
	write("w/u/v.txt", "deeper")
	shows("w/u/v.txt", "200 deeper")
}
