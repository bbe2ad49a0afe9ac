package listen

import (
	"net/http"
	"sync/atomic"
)

// writer is the ResponseWriter of one request. It ends the connection with the response where that
// is the last one.
type writer struct {
	http.ResponseWriter
	draining *atomic.Bool // the server's
	last     bool         // because of the request
	begun    bool
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// Flush is http.Flusher's.
func (w *writer) Flush() {
	w.begin()
	w.ResponseWriter.(http.Flusher).Flush()
}

// begin is called when the response's head is about to go. Whether it is the last one is decided
// then, not before, so that it holds for a response that is still being fetched when the server
// begins to drain.
func (w *writer) begin() {
	if w.begun {
		return
	}
	w.begun = true
	if w.last || w.draining.Load() {
		w.Header().Set("Connection", "close")
	}
}
