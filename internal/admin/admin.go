// Package admin answers the operators of a node: whether it is healthy, what it does, and why it
// answers clients as it does. It must be on a listener that clients can't reach.
//
//	request ─► guard: its Host, its site, its token ─► route ─► what Config's functions tell
//
// Only the two health checks are before the guard. Errors are problem documents (RFC 9457), but for
// browsers, which get text.
package admin

import (
	"net/http"
	"net/http/pprof"
	runtime "runtime/pprof"
	"strings"
	"time"
)

// Handler answers these. All but /healthz and /readyz answer 421 to a foreign Host, 403 to pages of
// other sites, and 401 without the token, if there is one. But the dashboard's page needs no token,
// and a link of another site may lead to it.
//
//	/, /dashboard/     the dashboard
//	/healthz           200 while the process runs
//	/readyz            200 if the node takes requests, else 503, and whether it is starting or
//	                   draining; with ?verbose the checks, too
//	/explain           why the response to a request is or isn't cached (see Explain)
//	/version           the build, and since when it runs
//	/config            the settings, and where each came from
//	/peers             the other nodes, and the ring
//	/stats             counts and states
//	/events            the same once a second, as server-sent events, until the node drains
//	/files             the files that stand out; with ?n= how many
//	/errors            what has gone wrong lately
//	/metrics           for Prometheus
//	/debug/pprof/      Go's profiles
//	POST /purge        what Config has
//	POST /warm         see Warm
//	POST /reload       the same
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", c.readyz)
	profiles(mux)
	handle := func(pattern string, there bool, h http.Handler) {
		if there {
			mux.Handle(pattern, h)
		}
	}
	handle("GET /explain", c.Explain != nil, c.Explain)
	handle("GET /version", c.Version != nil, tell(func() *Version { return c.Version }))
	handle("GET /config", c.Settings != nil, tell(c.Settings))
	handle("GET /peers", c.Peers != nil, tell(c.Peers))
	handle("GET /stats", c.Stats != nil, tell(c.Stats))
	handle("GET /events", c.Stats != nil, events{c.Stats, c.Draining})
	handle("GET /files", c.Files != nil, files(c.Files))
	handle("GET /errors", c.Errors != nil, tell(c.Errors))
	handle("GET /{$}", c.Dashboard != nil, c.Dashboard)
	handle("GET "+dashboardFiles, c.Dashboard != nil, c.Dashboard)
	handle("GET /metrics", c.Metrics != nil, c.Metrics)
	handle("POST /purge", c.Purge != nil, c.Purge)
	handle("POST /warm", c.Warm != nil, c.Warm)
	handle("POST /reload", c.Reload != nil, c.Reload)
	guarded := c.guard(c.purging(withProblems(mux)))
	return noStore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if probe(r) {
			mux.ServeHTTP(w, r)
		} else {
			guarded.ServeHTTP(w, r)
		}
	}))
}

// purging has Config.Purge answer POST of what is below /purge. A ServeMux would redirect a URL
// that follows there with an empty or a dot segment.
func (c Config) purging(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := strings.HasPrefix(r.URL.Path, "/purge/")
		if below && c.Purge != nil && r.Method == http.MethodPost {
			c.Purge.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// noStore keeps every response of h, also each 404, out of caches, and keeps browsers from taking
// it for something else: others' words may be in it.
func noStore(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

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
