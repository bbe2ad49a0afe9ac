package proxy

import (
	"net/http"
	"net/url"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
)

// route answers a request by where its path leads. It refuses requests for impossible hosts (RFC
// 9112 section 3.2, RFC 9110 section 4.2.4), and answers those about the server as a whole.
func (p *Proxy) route(rw http.ResponseWriter, r *http.Request) {
	w := rw.(*logging.Writer) // made by logging.Access
	way := p.site.Way(r.URL)
	switch {
	case !hostport.Valid(r.Host) || r.URL.User != nil:
		serve.Refuse(w, http.StatusBadRequest)
	case r.Method == http.MethodOptions && r.RequestURI == "*":
		options(w)
	case way == site.ToResource:
		key, err := p.site.KeyFromURL(r.URL)
		p.serveKey(w, r, key, err)
	case way == site.ToNothing:
		// The log tells where resources are; the client isn't told.
		w.Note = "resources are under " + p.site.Mount
		serve.Refuse(w, http.StatusNotFound)
	case !decide.Reads(r.Method):
		w.Header().Set("Allow", "GET, HEAD")
		serve.Refuse(w, http.StatusMethodNotAllowed)
	case way == site.ToForm:
		key, err := site.KeyFromForm(r.URL.RawQuery)
		p.serveKey(w, r, key, err)
	default:
		p.redirect(w, r)
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

// serveKey serves the resource that key names, or refuses the request if err says that there is
// none.
func (p *Proxy) serveKey(w *logging.Writer, r *http.Request, key string, err error) {
	switch err {
	case nil:
		p.server.Resource(w, r, key)
	case site.ErrLong:
		serve.Refuse(w, http.StatusRequestURITooLong)
	default:
		serve.Refuse(w, http.StatusBadRequest)
	}
}

// redirect redirects a client to the mount.
func (p *Proxy) redirect(w *logging.Writer, r *http.Request) {
	to := url.URL{Path: p.site.Mount, RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	serve.Refuse(w, http.StatusTemporaryRedirect)
}
