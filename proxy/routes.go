package proxy

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
)

// router routes requests by their paths. chi doesn't know all methods that an origin may know. For
// those the site tells where a path leads.
// Requests for resources are answered by answer.
func (p *Proxy) router(answer answering) http.Handler {
	m, mount := chi.NewRouter(), p.site.Mount
	resource := p.keyed(p.site.KeyFromURL, answer)
	m.HandleFunc(mount+"*", resource)
	m.HandleFunc(site.FormPath, reading(p.keyed(func(u *url.URL) (string, error) {
		return site.KeyFromForm(u.RawQuery)
	}, answer)))
	if mount != "/" {
		m.HandleFunc("/", reading(p.redirect))
		m.HandleFunc(strings.TrimSuffix(mount, "/"), reading(p.redirect))
	}
	m.NotFound(p.nothing)
	m.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		switch p.site.Way(r.URL) {
		case site.ToResource:
			resource(w, r)
		case site.ToNothing:
			p.nothing(w, r)
		default:
			reading(nil)(w, r)
		}
	})
	return m
}

// answering answers a request for a resource.
type answering = func(w *logging.Writer, r *http.Request, resource string)

// reading is next for a path that can only be read.
func reading(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if decide.Reads(r.Method) {
			next(w, r)
			return
		}
		w.Header().Set("Allow", "GET, HEAD")
		serve.Refuse(w, http.StatusMethodNotAllowed)
	}
}

// nothing refuses a request for a path outside of the mount. The log tells where resources are; the
// client isn't told.
func (p *Proxy) nothing(w http.ResponseWriter, _ *http.Request) {
	w.(*logging.Writer).Note = "resources are under " + p.site.Mount
	serve.Refuse(w, http.StatusNotFound)
}

// keyed has answer serve the resource whose key find makes of a request's URL, or refuses the
// request if there is none.
func (p *Proxy) keyed(find func(*url.URL) (key string, err error), answer answering,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch key, err := find(r.URL); err {
		case nil:
			answer(w.(*logging.Writer), r, key) // which logging.Access has made
		case site.ErrLong:
			serve.Refuse(w, http.StatusRequestURITooLong)
		default:
			serve.Refuse(w, http.StatusBadRequest)
		}
	}
}

// options answers "OPTIONS *" (RFC 9110 section 9.3.7).
func options(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Status", decide.Name)
	h.Set("Allow", "GET, HEAD, OPTIONS")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// redirect redirects a client to the mount.
func (p *Proxy) redirect(w http.ResponseWriter, r *http.Request) {
	to := url.URL{Path: p.site.Mount, RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	serve.Refuse(w, http.StatusTemporaryRedirect)
}
