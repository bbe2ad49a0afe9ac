package admin

import (
	"net/http"
	"net/http/pprof"
	runtime "runtime/pprof"
	"strings"
	"time"
)

// profiles has mux answer with Go's profiles. A profile may take longer to be taken than a request
// may take to be read.
func profiles(mux *http.ServeMux) {
	slow := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			h(w, r)
		}
	}
	mux.HandleFunc("GET /debug/pprof/", func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/debug/pprof/")
		if name != "" && runtime.Lookup(name) == nil {
			Refuse(w, r, http.StatusNotFound, "there is no such profile: /debug/pprof/ lists them")
			return
		}
		slow(pprof.Index)(w, r)
	})
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", slow(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/trace", slow(pprof.Trace))
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
}
