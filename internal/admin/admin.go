// Package admin answers the operators of a node: whether it is healthy, and why it answers clients
// as it does. It must be on a listener that clients can't reach.
package admin

import (
	"io"
	"net/http"
	"strings"
)

// Config is what a node tells its operators. Ready must be set. The functions are called at each
// request, concurrently.
type Config struct {
	// Ready reports whether the node takes requests.
	Ready func() bool

	// Explain, if not nil, answers /explain.
	Explain Explain

	// Purge, if not nil, answers /purge and what is below it.
	Purge http.Handler

	// Host is the name or the address that the listener is on; empty for all interfaces. /explain
	// may be requested by it.
	Host string
}

// Handler answers GET and HEAD of these:
//
//	/healthz    200 while the process runs
//	/readyz     200 if the node takes requests, else 503
//	/explain    why the response to a request is or isn't cached (see Explain);
//	            403 to pages of other sites
//
// and POST of /purge, if there is a Purge, to no page of another site either.
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
	return noStore(c.purging(mux))
}

// purging has Config.Purge answer /purge and what is below it. A ServeMux would redirect a URL that
// follows there with an empty or a dot segment.
func (c Config) purging(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := strings.HasPrefix(r.URL.Path, "/purge/")
		if c.Purge != nil && (below || r.URL.Path == "/purge") {
			c.guard(c.Purge).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
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
