package admin

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Problem is an error as RFC 9457 has it. Its type is the default, about:blank, so Title is the
// status in words, and Detail says what to do.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// Refuse answers r with a status and what to do about it: as a problem document, or as a line of
// text for a browser.
func Refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") {
		answer(w, status, detail+"\n")
		return
	}
	problem := Problem{http.StatusText(status), status, detail}
	writeJSON(w, status, "application/problem+json", problem)
}

// answer answers with text.
func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// writeJSON answers with value. If that fails, nobody is there to be told.
func writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // people read it, and no browser takes it for HTML
	_ = encoder.Encode(value)
}

// tell answers with what f returns.
func tell[T any](f func() T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", f())
	})
}

// withProblems is mux, but for the errors that mux itself answers with: a path that isn't there,
// and a method that the path doesn't have.
func withProblems(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		status := statusOf{ResponseWriter: w}
		mux.ServeHTTP(&status, r)
		detail := "there is nothing under this path"
		if allow := w.Header().Get("Allow"); allow != "" {
			detail = "this path has " + allow
		}
		Refuse(w, r, status.code, detail)
	})
}

// statusOf keeps an answer's status and drops its content.
type statusOf struct {
	http.ResponseWriter
	code int
}

func (s *statusOf) WriteHeader(code int)        { s.code = code }
func (s *statusOf) Write(b []byte) (int, error) { return len(b), nil }
