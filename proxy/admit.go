package proxy

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/serve"
)

// admit refuses requests that are for no possible host (RFC 9112 section 3.2, RFC 9110 section
// 4.2.4), and answers those that are about the server as a whole.
func (p *Proxy) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !hostport.Valid(r.Host) || r.URL.User != nil:
			serve.Refuse(w, http.StatusBadRequest)
		case r.Method == http.MethodOptions && r.RequestURI == "*":
			options(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// options answers an OPTIONS by itself (RFC 9110 section 9.3.7).
func options(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Status", decide.Name)
	h.Set("Allow", "GET, HEAD, OPTIONS")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}
