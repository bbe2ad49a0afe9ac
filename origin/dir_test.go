package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var longAgo = time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC)

// newSite returns a Dir over new files, last modified long ago. A name that ends in a slash is a
// directory's.
func newSite(t *testing.T, files map[string]string) (*Dir, string) {
	t.Helper()
	root := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		writeFile(t, filepath.Join(root, name), files[name], strings.HasSuffix(name, "/"))
	}
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, root
}

func writeFile(t *testing.T, path, content string, dir bool) {
	t.Helper()
	if dir {
		check(t, os.MkdirAll(path, 0o755))
		return
	}
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(content), 0o644))
	check(t, os.Chtimes(path, longAgo, longAgo))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// target returns a request for target, a path with an optional query, under base.
func target(t *testing.T, method string, base *url.URL, target string,
	fields ...string) *http.Request {
	t.Helper()
	u, err := url.Parse(strings.TrimSuffix(base.String(), "/") + target)
	check(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, u.String(), nil)
	check(t, err)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	return req
}

// do returns d's answer and its whole body, after looking at what must be true of every answer.
func do(t *testing.T, d *Dir, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := d.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	content, err := io.ReadAll(resp.Body)
	check(t, err)
	check(t, resp.Body.Close())
	body := string(content)
	if resp.Request != req || resp.Proto != "HTTP/1.1" || resp.ProtoMajor != 1 ||
		resp.ProtoMinor != 1 ||
		resp.Status != fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)) {
		t.Errorf("%s %s: Request, Proto or Status are wrong: %+v", req.Method, req.URL, resp)
	}
	if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
		t.Errorf("%s %s: Date: %v", req.Method, req.URL, err)
	}
	switch {
	case req.Method == "HEAD" && body != "":
		t.Errorf("HEAD %s has a body: %q", req.URL, body)
	case req.Method != "HEAD" && resp.ContentLength != int64(len(body)):
		t.Errorf("%s %s: ContentLength %d, but %d bytes", req.Method, req.URL, resp.ContentLength,
			len(body))
	}
	return resp, body
}

func get(t *testing.T, d *Dir, path string, fields ...string) (*http.Response, string) {
	t.Helper()
	return do(t, d, target(t, "GET", d.BaseURL(), path, fields...))
}

func TestDirPaths(t *testing.T) {
	d, _ := newSite(t, map[string]string{
		"a.txt":             "a",
		"sp ace.txt":        "space",
		"100%.txt":          "percent",
		"q?.txt":            "question",
		"h#.txt":            "hash",
		"c:d.txt":           "colon",
		"ünï.txt":           "umlauts",
		"sub/b.txt":         "b",
		"index/index.html":  "index",
		"odd/index.html/":   "",
		"empty/":            "",
		".secret":           "dot",
		".git/config":       "dot",
		"sub/.htaccess":     "dot",
		"..a/x":             "dots",
		`back\slash.txt`:    "backslash",
		"notutf8\xff.txt":   "bytes",
		"sub/index.html.gz": "gz",
	})
	tests := []struct {
		path string
		code int
		body string // of a 200
	}{
		{"/a.txt", 200, "a"},
		{"/a.txt?query=1", 200, "a"},
		{"/%61.txt", 200, "a"},
		{"/sp%20ace.txt", 200, "space"},
		{"/100%25.txt", 200, "percent"},
		{"/q%3F.txt", 200, "question"},
		{"/h%23.txt", 200, "hash"},
		{"/c:d.txt", 200, "colon"},
		{"/%C3%BCn%C3%AF.txt", 200, "umlauts"},
		{"/sub/b.txt", 200, "b"},
		{"/index/", 200, "index"},
		{"/index/index.html", 200, "index"},
		{"/sub", 301, ""},
		{"/", 404, ""},
		{"", 404, ""},
		{"/sub/", 404, ""},
		{"/odd/", 404, ""},
		{"/empty/", 404, ""},
		{"/none", 404, ""},
		{"/none/", 404, ""},
		{"/A.TXT", 404, ""},
		{"/a.txt/", 404, ""},
		{"/a.txt/b", 404, ""},
		{"//a.txt", 404, ""},
		{"/sub//b.txt", 404, ""},
		{"/sub//", 404, ""},
		{"//", 404, ""},
		{"/sub%2Fb.txt", 404, ""},
		{"/sub%2fb.txt", 404, ""},
		{"/.", 404, ""},
		{"/..", 404, ""},
		{"/../a.txt", 404, ""},
		{"/sub/../a.txt", 404, ""},
		{"/sub/./b.txt", 404, ""},
		{"/sub/..", 404, ""},
		{"/%2e%2e/a.txt", 404, ""},
		{"/a.txt%00", 404, ""},
		{"/back%5Cslash.txt", 404, ""},
		{"/notutf8%FF.txt", 404, ""},
		{"/%C0%AE%C0%AE/a.txt", 404, ""}, // overlong ".."
		{"/sub%C0%AFb.txt", 404, ""},     // overlong "/"
		{"/.secret", 404, ""},
		{"/.git/config", 404, ""},
		{"/.git/", 404, ""},
		{"/.git", 404, ""},
		{"/sub/.htaccess", 404, ""},
		{"/..a/x", 404, ""},
		{"/" + strings.Repeat("n", 255), 404, ""},
		{"/" + strings.Repeat("n", 256), 404, ""},
		{"/" + strings.Repeat("n/", 5000), 404, ""},
	}
	for _, test := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			resp, body := do(t, d, target(t, method, d.BaseURL(), test.path))
			if resp.StatusCode != test.code {
				t.Errorf("%s %.40s: %d, want %d", method, test.path, resp.StatusCode, test.code)
			} else if method == "GET" && test.code == 200 && body != test.body {
				t.Errorf("%s: body %q, want %q", test.path, body, test.body)
			}
			if test.code != 200 && resp.Header.Get("ETag")+resp.Header.Get("Last-Modified") != "" {
				t.Errorf("%s %.40s: a %d with validators", method, test.path, test.code)
			}
		}
	}

	d.Dotfiles = true
	for path, want := range map[string]int{
		"/.secret": 200, "/.git/config": 200, "/.git": 301, "/..a/x": 200, "/.": 404, "/..": 404,
		"/../a.txt": 404,
	} {
		if resp, _ := get(t, d, path); resp.StatusCode != want {
			t.Errorf("with Dotfiles, %s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestDirErrorsSayLittle(t *testing.T) {
	d, _ := newSite(t, nil)
	resp, body := get(t, d, "/none")
	if body != "404 Not Found\n" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		resp.Header.Get("Content-Length") != "14" {
		t.Errorf("%q %v", body, resp.Header)
	}
}

func TestDirRedirect(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a b/c%?/x": "x"})
	for path, want := range map[string]string{
		"/a%20b":                  "/a%20b/",
		"/a%20b/c%25%3F":          "/a%20b/c%25%3F/",
		"/%61%20b":                "/%61%20b/",
		"/a%20b?q=%2F&r=http://h": "/a%20b/?q=%2F&r=http://h",
	} {
		resp, _ := get(t, d, path)
		if got := resp.Header.Get("Location"); resp.StatusCode != 301 || got != want {
			t.Errorf("%s: %d to %q, want %q", path, resp.StatusCode, got, want)
		}
	}
}

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }

func TestDirMethods(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "a"})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"} {
		req := target(t, method, d.BaseURL(), "/a.txt")
		body := &closeRecorder{Reader: strings.NewReader("x")}
		req.Body = body
		resp, _ := do(t, d, req)
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
		if !body.closed {
			t.Errorf("%s: the request's body isn't closed", method)
		}
	}
}

func TestDirContext(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "a"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	body := &closeRecorder{Reader: strings.NewReader("x")}
	req := target(t, "GET", d.BaseURL(), "/a.txt").WithContext(ctx)
	req.Body = body
	if resp, err := d.RoundTrip(req); !errors.Is(err, context.Canceled) || resp != nil ||
		!body.closed {
		t.Errorf("%v, %v, body closed: %v", resp, err, body.closed)
	}
}

func TestOpenDir(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o644))
	for _, path := range []string{"", file, file + ".none"} {
		if d, err := OpenDir(path); err == nil || d != nil || !strings.HasPrefix(err.Error(),
			"origin: open directory") {
			t.Errorf("OpenDir(%q): %v, %v", path, d, err)
		}
	}
	d, _ := newSite(t, map[string]string{"a.txt": "aa"})
	resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/a.txt"))
	check(t, err)
	check(t, d.Close())
	if body, err := io.ReadAll(resp.Body); string(body) != "aa" || err != nil {
		t.Errorf("after Close, an open body gives %q, %v", body, err)
	}
	resp.Body.Close()
	if _, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/a.txt")); !errors.Is(err,
		os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := new(Dir).RoundTrip(target(t, "GET", d.BaseURL(), "/")); err == nil {
		t.Error("a zero Dir answers")
	}
	if got := d.BaseURL().String(); got != "file:///" {
		t.Errorf("BaseURL %s", got)
	}
}

func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "A.HTML": "text/html; charset=utf-8",
		"a.mjs":    "text/javascript; charset=utf-8",
		"x.tar.gz": "application/gzip", "v1.0.0.mod": "text/plain; charset=utf-8",
		"v1.0.0.info": "application/json",
		"a.wasm":      "application/wasm", "noext": "application/octet-stream",
		"a.":           "application/octet-stream",
		"a.nosuchtype": "application/octet-stream", "dir.html/list": "application/octet-stream",
	} {
		if got := mediaType(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for ext := range mediaTypes {
		if ext != strings.ToLower(ext) || ext[0] != '.' {
			t.Errorf("%q can't be found", ext)
		}
	}
}

// TestDirServed lets net/http send the answers over a socket.
func TestDirServed(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	d, _ := newSite(t, map[string]string{"big.bin": content, "sub/index.html": "<p>"})
	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: d,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(d.BaseURL()) },
	})
	defer front.Close()
	client := front.Client()
	defer client.CloseIdleConnections()
	for _, test := range []struct {
		method, path, ranges string
		code                 int
		body                 string
	}{
		{"GET", "/big.bin", "", 200, content},
		{"GET", "/big.bin", "bytes=1048570-", 206, content[1048570:]},
		{"HEAD", "/big.bin", "", 200, ""},
		{"GET", "/sub", "", 200, "<p>"}, // the client follows the redirect
		{"GET", "/nothing", "", 404, "404 Not Found\n"},
	} {
		req, err := http.NewRequest(test.method, front.URL+test.path, nil)
		check(t, err)
		if test.ranges != "" {
			req.Header.Set("Range", test.ranges)
		}
		resp, err := client.Do(req)
		check(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != test.code || string(body) != test.body {
			t.Errorf("%s %s: %d, %d bytes, %v", test.method, test.path, resp.StatusCode, len(body),
				err)
		}
		if test.method == "HEAD" && resp.ContentLength != int64(len(content)) {
			t.Errorf("HEAD: ContentLength %d", resp.ContentLength)
		}
	}
}
