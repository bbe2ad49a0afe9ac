package listen

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// refuse answers a request that no handler is to see with 400.
func (s *Server) refuse(c *conn, w http.ResponseWriter, why string) {
	const text = "400 Bad Request"
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, text)
	s.refused(c, http.StatusBadRequest, why)
}

// refusedByHTTP is told what net/http is writing of its own accord: a whole response, and the only
// one.
func (s *Server) refusedByHTTP(c *conn, response []byte) {
	line, _, _ := bytes.Cut(response, []byte("\r\n"))
	_, line, _ = bytes.Cut(line, []byte(" "))
	code, reason, _ := bytes.Cut(line, []byte(" "))
	status, _ := strconv.Atoi(string(code))
	s.refused(c, status, string(reason))
}

// refused counts and logs a request that no handler sees. Nothing is known of it but that it was
// wrong, and who sent it.
func (s *Server) refused(c *conn, status int, reason string) {
	s.refusals.Add(1)
	s.log.Info().Stringer("remote", c.RemoteAddr()).
		Int("status", status).Str("reason", reason).Msg("request")
}
