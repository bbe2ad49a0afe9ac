package origin

import (
	"html"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`<a href="([^"]*)">([^<]*)</a>`)

// links returns the resolved targets and the texts of a page's links.
func links(t *testing.T, base, page string) (targets, texts []string) {
	t.Helper()
	u, err := url.Parse(base)
	check(t, err)
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		ref, err := u.Parse(html.UnescapeString(m[1]))
		check(t, err)
		targets = append(targets, ref.EscapedPath())
		texts = append(texts, html.UnescapeString(m[2]))
	}
	return targets, texts
}

func TestListing(t *testing.T) {
	names := []string{`"quotes'`, "#hash", "%41", "<b>&amp;", "a b", "a;b,c", "a?b", "http:x",
		"it's+1=2&3$@!*(4)~", "javascript:alert(1)", "ünï", "z"}
	files := map[string]string{
		"d/zdir/": "", "d/adir/x": "x", "d/.hidden": "", "d/back\\slash": "", "d/not\xffutf8": "",
		"d/new\nline": "",
	}
	for _, name := range names {
		files["d/"+name] = name
	}
	names = slices.Insert(names, slices.Index(names, "z"), "new\nline")
	slices.Sort(names)
	d, root := newSite(t, files)
	check(t, os.Symlink("../d/z", filepath.Join(root, "d/link")))
	check(t, os.Symlink("adir", filepath.Join(root, "d/linkdir")))
	check(t, os.Symlink("../../outside", filepath.Join(root, "d/escape")))
	check(t, os.Symlink("nowhere", filepath.Join(root, "d/dangling")))
	names = slices.Insert(names, slices.Index(names, "new\nline"), "link")

	if resp, _ := get(t, d, "/d/"); resp.StatusCode != 404 {
		t.Errorf("without Browse: %d", resp.StatusCode)
	}
	d.Browse = true
	resp, page := get(t, d, "/d/")
	targets, texts := links(t, "http://host/files/d/", page)
	want := slices.Concat([]string{"../", "adir/", "linkdir/", "zdir/"}, names)
	if !slices.Equal(texts, want) {
		t.Errorf("the page lists\n%q, want\n%q", texts, want)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
		resp.Header.Get("Cache-Control") != "no-cache" || !isWeak(resp.Header.Get("ETag")) ||
		resp.Header.Get("Last-Modified") != "" || resp.Header.Get("Accept-Ranges") != "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, m := range link.FindAllStringSubmatch(page, -1) { // simple clients take them as they are
		if plain := regexp.MustCompile(`^([-._~/A-Za-z0-9]|%[0-9A-F]{2})+$`); !plain.MatchString(m[1]) {
			t.Errorf("the link %q needs decoding", m[1])
		}
	}
	if !strings.Contains(page, "2024-02-29 12:30:15") || !strings.Contains(page, ">19 B<") {
		t.Errorf("no time or no size in\n%s", page)
	}
	for i, path := range targets[1:] { // each link leads to what it says
		resp, body := get(t, d, strings.TrimPrefix(path, "/files"))
		name := texts[i+1]
		switch {
		case strings.HasSuffix(name, "/") || name == "link" || name == "new\nline":
			if resp.StatusCode != 200 {
				t.Errorf("%q leads to %s: %d", name, path, resp.StatusCode)
			}
		case body != name:
			t.Errorf("%q leads to %s: %d %q", name, path, resp.StatusCode, body)
		}
	}
	d.Dotfiles = true
	if _, page := get(t, d, "/d/"); !strings.Contains(page, ">.hidden<") {
		t.Error("with Dotfiles, .hidden isn't listed")
	}
	if _, page := get(t, d, "/"); strings.Contains(page, `"../"`) || !strings.Contains(page,
		"Index of /<") {
		t.Errorf("the root's page:\n%s", page)
	}
	if _, page := get(t, d, ""); !strings.Contains(page, "Index of /<") {
		t.Errorf("the page of no path:\n%s", page)
	}
}

func TestListingConditions(t *testing.T) {
	d, root := newSite(t, map[string]string{"a.txt": "a"})
	d.Browse = true
	resp, _ := get(t, d, "/")
	etag := resp.Header.Get("ETag")
	resp, _ = get(t, d, "/", "If-None-Match", etag)
	if h := resp.Header; resp.StatusCode != 304 || h.Get("ETag") != etag ||
		h.Get("Cache-Control") != "no-cache" {
		t.Errorf("If-None-Match: %d %v", resp.StatusCode, h)
	}
	if resp, _ := get(t, d, "/", "If-Match", etag); resp.StatusCode != 412 {
		t.Errorf("If-Match: %d", resp.StatusCode)
	}
	if resp, _ := get(t, d, "/", "If-Modified-Since", "Thu, 29 Feb 2029 12:30:15 GMT", "Range",
		"bytes=1-2"); resp.StatusCode != 200 {
		t.Errorf("If-Modified-Since, Range: %d", resp.StatusCode)
	}
	if resp, _ := do(t, d, target(t, "HEAD", d.BaseURL(), "/")); resp.ContentLength < 100 ||
		resp.Header.Get("ETag") != etag {
		t.Errorf("HEAD: %d %v", resp.ContentLength, resp.Header)
	}
	writeFile(t, filepath.Join(root, "a.txt"), "aa", false) // leaves the directory's own time alone
	if resp, _ := get(t, d, "/", "If-None-Match", etag); resp.StatusCode != 200 {
		t.Errorf("If-None-Match after a change: %d", resp.StatusCode)
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB",
		5 << 30:   "5.0 GiB",
		1<<63 - 1: "8.0 EiB",
	} {
		if got := formatSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
