// Package admin answers the operators of a node: whether it is healthy, and why it answers clients
// as it does. It must be on a listener that clients can't reach.
package admin

import (
	"io"
	"net/http"
)

// Config is what a node tells its operators. Ready must be set. The functions are called at each
// request, concurrently.
type Config struct {
	// Ready reports whether the node takes requests.
	Ready func() bool

	// Explain, if not nil, answers /explain.
	Explain Explain

	// Reload, if not nil, answers POST /reload.
	Reload http.Handler

	// Host is the name or the address that the listener is on; empty for all interfaces. /explain
	// and /reload may be requested by it.
	Host string
}

// Handler answers GET and HEAD of these:
//
//	/healthz    200 while the process runs
//	/readyz     200 if the node takes requests, else 503
//	/explain    why the response to a request is or isn't cached (see Explain);
//	            403 to pages of other sites
//
// and, if there is a Reload, POST /reload, with 403 to pages of other sites.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if c.Ready() {
			answer(w, http.StatusOK, "ready\n")
		} else {
			answer(w, http.StatusServiceUnavailable, "draining\n")
		}
	})
	if c.Explain != nil {
		mux.Handle("GET /explain", c.guard(c.Explain))
	}
	if c.Reload != nil {
		mux.Handle("POST /reload", c.guard(c.Reload))
	}
	return noStore(mux)
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// noStore keeps every response of h, also each 404, out of caches.
func noStore(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}
