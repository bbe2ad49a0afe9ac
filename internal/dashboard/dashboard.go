// Package dashboard is the page on which operators watch a node, and purge and explain. It knows
// nothing of the node: in the browser, it asks the admin listener that it has come from.
//
//	GET /events, /peers, /files, /errors, /version ─► page ─► charts, tables
//	                        purge box, explain box ─► POST /purge, GET /explain
//
// The page is HTML, CSS and JavaScript as they are in this folder, without a build step. Nothing
// comes from another site. What comes from outside, such as URLs, is put into the page as text.
package dashboard

import (
	"embed"
	"net/http"
	"path"
	"strings"
)

//go:embed index.html *.css *.svg js
var content embed.FS

// policy has the browser load nothing but this package's files, run no script and use no style that
// is in the page itself, make no HTML of text, and show the page in no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// types are the media types of the files, by the end of their names. Those that package mime knows
// depend on the machine.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// Handler answers GET and HEAD of / with the page, and those of what is below /dashboard/ with its
// files.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/dashboard/")
		if r.URL.Path == "/" {
			name, ok = "index.html", true
		}
		body, err := content.ReadFile(name)
		if !ok || err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", types[path.Ext(name)])
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		_, _ = w.Write(body) // if that fails, nobody is there to be told
	})
}
