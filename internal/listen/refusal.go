package listen

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// refusals counts and logs the requests that no handler sees. Nothing is known of such a request
// but who sent it and what is wrong with it.
type refusals struct {
	log   zerolog.Logger
	count atomic.Int64
}

func (r *refusals) note(remote net.Addr, status int, reason string) {
	r.count.Add(1)
	r.log.Info().Stringer("remote", remote).
		Int("status", status).Str("reason", reason).Msg("request")
}

// noteHTTP notes what net/http writes without a handler: a whole response, and the only one.
func (r *refusals) noteHTTP(remote net.Addr, response []byte) {
	line, _, _ := bytes.Cut(response, []byte("\r\n"))
	_, line, _ = bytes.Cut(line, []byte(" "))
	code, reason, _ := bytes.Cut(line, []byte(" "))
	status, _ := strconv.Atoi(string(code))
	r.note(remote, status, string(reason))
}

// writeRefusal answers a request that no handler is to see with 400.
func writeRefusal(w http.ResponseWriter) {
	const text = "400 Bad Request"
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, text)
}
