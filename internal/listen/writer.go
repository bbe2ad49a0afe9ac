package listen

import (
	"net/http"
	"sync/atomic"
	"time"
)

// writer is the ResponseWriter of one request. It closes the connection after the last response.
type writer struct {
	http.ResponseWriter
	timeout  time.Duration // for a client who takes nothing
	draining *atomic.Bool  // the server's
	last     bool          // because of the request
	begun    bool
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// StallTimeout is how long a write waits for a client who takes nothing. Once that has taken some
// of what is written, however much that is, the time begins anew.
func (w *writer) StallTimeout() time.Duration { return w.timeout }

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

// begin is called just before the response's head is sent. Only then it decides whether the
// response is the last one, so that this also holds if the server begins to drain while it is
// fetched.
func (w *writer) begin() {
	if w.begun {
		return
	}
	w.begun = true
	if w.last || w.draining.Load() {
		w.Header().Set("Connection", "close")
	}
}
