package proxy

import (
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// admit refuses requests that are for no possible host (RFC 9112 section 3.2, RFC 9110 section
// 4.2.4), and answers those that are about the server as a whole.
func (p *Proxy) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !hostport.Valid(r.Host) || r.URL.User != nil:
			refuse(w, http.StatusBadRequest)
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

// switches reports whether r asks to have its connection switched to the WebSocket protocol (RFC
// 6455 section 4.1), and may. Any other Upgrade is an offer that is declined (RFC 9110 section
// 7.8): the request is served as if it weren't there.
func (p *Proxy) switches(r *http.Request) bool {
	upgrade := r.Header["Upgrade"]
	return p.cfg.WebSocket && len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") &&
		r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoAtLeast(1, 1) && hasOption(r.Header, "upgrade")
}

// hasOption reports whether Connection has that option.
func hasOption(header http.Header, option string) bool {
	for member := range httpcache.Members(header["Connection"]) {
		if strings.EqualFold(member, option) {
			return true
		}
	}
	return false
}
