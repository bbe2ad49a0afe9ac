package proxy

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
)

func (p *Proxy) router() http.Handler {
	m, mount := chi.NewRouter(), p.site.Mount
	m.HandleFunc(mount+"*", func(w http.ResponseWriter, r *http.Request) {
		p.serveFile(writer(w), r)
	})
	m.HandleFunc(site.FormPath, func(w http.ResponseWriter, r *http.Request) {
		p.serveZK(writer(w), r)
	})
	if mount != "/" {
		toMount := func(w http.ResponseWriter, r *http.Request) { p.redirect(writer(w), r) }
		m.HandleFunc("/", toMount)
		m.HandleFunc(strings.TrimSuffix(mount, "/"), toMount)
	}
	m.NotFound(func(w http.ResponseWriter, r *http.Request) { p.refusePath(writer(w)) })
	// chi routes the methods that it knows. Others are no worse, and the origin may know them.
	m.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		switch p.site.Way(r.URL) {
		case site.ToResource:
			p.serveFile(writer(w), r)
		case site.ToNothing:
			p.refusePath(writer(w))
		default:
			p.refuseMethod(writer(w))
		}
	})
	return m
}

// refusePath is for what lies outside the mount. The log tells where things are, and the client
// isn't told.
func (p *Proxy) refusePath(w *logging.Writer) {
	w.Note = "resources are under " + p.site.Mount
	serve.Refuse(w, http.StatusNotFound)
}

// refuseMethod is for what can only be read.
func (p *Proxy) refuseMethod(w *logging.Writer) {
	w.Header().Set("Allow", "GET, HEAD")
	serve.Refuse(w, http.StatusMethodNotAllowed)
}

// writer returns what logging.Access made of the ResponseWriter.
func writer(w http.ResponseWriter) *logging.Writer { return w.(*logging.Writer) }

// serveFile serves a resource by its escaped path.
func (p *Proxy) serveFile(w *logging.Writer, r *http.Request) {
	key, err := p.site.KeyFromURL(r.URL)
	p.serveKey(w, r, key, err)
}

// serveZK serves a resource by its decoded path.
func (p *Proxy) serveZK(w *logging.Writer, r *http.Request) {
	if !decide.Reads(r.Method) {
		p.refuseMethod(w)
		return
	}
	key, err := site.KeyFromForm(r.URL.RawQuery)
	p.serveKey(w, r, key, err)
}

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

func (p *Proxy) redirect(w *logging.Writer, r *http.Request) {
	if !decide.Reads(r.Method) {
		p.refuseMethod(w)
		return
	}
	to := p.site.Mount
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	serve.Refuse(w, http.StatusTemporaryRedirect)
}
