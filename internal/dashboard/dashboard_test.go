package dashboard

import (
	"io/fs"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestHandler: the page and its files are there, with their types and the policy, and nothing else.
func TestHandler(t *testing.T) {
	for target, media := range map[string]string{
		"/": "text/html; charset=utf-8", "/dashboard/style.css": "text/css; charset=utf-8",
		"/dashboard/js/main.js": "text/javascript; charset=utf-8",
		"/dashboard/icon.svg":   "image/svg+xml",
		"/dashboard/":           "", "/dashboard/js": "", "/dashboard/js/": "",
		"/dashboard/dashboard.go": "", "/dashboard/../go.mod": "",
	} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		h := w.Header()
		switch {
		case media == "":
			if w.Code != 404 {
				t.Errorf("%s: %d", target, w.Code)
			}
		case w.Code != 200, h.Get("Content-Type") != media,
			h.Get("X-Content-Type-Options") != "nosniff",
			!strings.Contains(h.Get("Content-Security-Policy"),
				"default-src 'none'; script-src 'self';"),
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'"),
			strings.Contains(h.Get("Content-Security-Policy"), "unsafe"):
			t.Errorf("%s: %d %v", target, w.Code, h)
		}
	}
}

// TestSelfContained: the page's files name no other site, have no script or style within HTML, and
// put nothing into the page as HTML.
func TestSelfContained(t *testing.T) {
	foreign := regexp.MustCompile(`https?://[^\s"']+|//[a-z]+\.[a-z]`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\son[a-z]+=|\sstyle=|javascript:`)
	html := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTML`)
	err := fs.WalkDir(content, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := content.ReadFile(name)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		for what, bad := range map[string]*regexp.Regexp{"another site": foreign,
			"inline code": inline, "HTML made of text": html} {
			if found := bad.FindString(text); found != "" && (what != "inline code" ||
				path.Ext(name) == ".html") {
				t.Errorf("%s has %s: %s", name, what, found)
			}
		}
		if types[path.Ext(name)] == "" {
			t.Errorf("%s has no media type", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
