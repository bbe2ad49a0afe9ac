package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestWarm: what is fetched is held for clients, the exit code tells whether all went well, and a
// run can be gone on with.
func TestWarm(t *testing.T) {
	var mu sync.Mutex // guards asked, which counts the requests for each path
	asked := map[string]int{}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		first := asked[r.URL.Path] == 1
		mu.Unlock()
		switch {
		case r.URL.Path == "/broken" && first:
			w.WriteHeader(http.StatusInternalServerError)
		case r.URL.Path == "/private":
			w.Header().Set("Cache-Control", "no-store")
		default:
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprintln(w, "acorn")
		}
	}))
	defer origin.Close()
	s := startScurry(t, nil, "--admin-listen=127.0.0.1:0", "--origin="+origin.URL)
	env := []string{"SCURRY_LISTEN=" + host(t, s.url)}
	dir := t.TempDir()
	journal, sitemap := filepath.Join(dir, "journal"), filepath.Join(dir, "sitemap.xml")
	if err := os.WriteFile(sitemap, []byte("<urlset><url><loc>https://files.example/files/b</loc></url></urlset>"), 0o600); err != nil {
		t.Fatal(err)
	}
	warm := func(args ...string) (code int, out, errs string) {
		var stdout, stderr strings.Builder
		code = run(t.Context(), append([]string{"warm"}, args...), &stdout, &stderr, env)
		return code, stdout.String(), stderr.String()
	}
	all := []string{"--via", host(t, s.url), "--sitemap", sitemap, "--concurrency=1", "--resume",
		journal, "/files/a", "/files/private", "/files/broken", "/files/a"}
	for i, want := range []struct {
		code        int
		out, errors string
	}{
		{exitFailed, " 0 were held, 2 are stored now, 1 can't be stored, 1 failed, 0 were done " +
			"before;", "failed: /files/broken: 500 Internal Server Error\nscurry: 1 of 4 URLs " +
			"failed\n"},
		{exitOK, " 0 were held, 1 are stored now, 0 can't be stored, 0 failed, 3 were done before;",
			""},
		{exitOK, " 3 were held, 0 are stored now, 1 can't be stored, 0 failed, 0 were done before;",
			""},
	} {
		code, out, errs := warm(all...)
		if code != want.code || !strings.HasPrefix(out, "4 URLs in ") || !strings.Contains(out,
			want.out) || errs != want.errors {
			t.Errorf("run %d: %d, %q, %q", i, code, out, errs)
		}
	}
	mu.Lock()
	if asked["/a"] != 1 || asked["/b"] != 1 {
		t.Errorf("the origin is asked %v", asked)
	}
	mu.Unlock()
	later := []string{"--admin", host(t, s.admin), "/files/c", "/files/a", "/files/d"}
	for i, want := range []string{" 1 were held, 2 are stored now, 0 can't be stored, 0 failed, ",
		" 3 were held, 0 are stored now, "} {
		code, out, errs := warm(later...)
		if code != exitOK || !strings.HasPrefix(out, "3 URLs in ") || !strings.Contains(out,
			want) || !strings.HasSuffix(out, "; 18 B came\n") || errs != "" {
			t.Errorf("run %d by the node itself: %d, %q, %q", i, code, out, errs)
		}
	}
	if code, _, errs := warm("--admin", host(t, s.url), "/files/a"); code != exitFailed ||
		!strings.Contains(errs, "is it the admin listener of a node?") {
		t.Errorf("asked at the client port: %d, %s", code, errs)
	}
	for _, args := range [][]string{
		{"--admin=x", "/a"}, {"--admin", host(t, s.admin), "--via", host(t, s.url), "/a"},
		{"--admin", host(t, s.admin), "--concurrency=65", "/a"},
		{}, {"--concurrency=0", "/a"}, {"--rate=-1", "/a"}, {"-H", "x", "/a"}, {"--via=nowhere",
			"/a"}, {"--resume=", "/a"},
	} {
		if code, _, errs := warm(args...); code != exitUsage {
			t.Errorf("%q: %d, %s", args, code, errs)
		}
	}
	for _, args := range [][]string{{"--file", filepath.Join(dir, "nothing")}, {"--sitemap",
		origin.URL + "/a"}, {"http://127.0.0.1:1/a"}} {
		if code, _, errs := warm(args...); code != exitFailed || errs == "" {
			t.Errorf("%q: %d, %s", args, code, errs)
		}
	}
}
