// Package admin answers questions about a node's health. It belongs on a listener of its own, which clients can't reach.
package admin

import (
	"io"
	"net/http"
)

// Handler answers GET and HEAD of /healthz, 200 while the process runs, and of /readyz, 200 if ready says that the
// node takes requests and else 503. It calls ready at each request, concurrently.
func Handler(ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if ready() {
			answer(w, http.StatusOK, "ready\n")
		} else {
			answer(w, http.StatusServiceUnavailable, "draining\n")
		}
	})
	return noStore(mux)
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// noStore keeps every answer of h, the 404s too, out of caches.
func noStore(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}
