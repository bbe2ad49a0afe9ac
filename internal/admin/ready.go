package admin

import (
	"fmt"
	"net/http"
	"strings"
)

// probe reports whether r is a health check without details. Those of a load balancer or an
// orchestrator have no token, and may come under any name.
func probe(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return reads && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz" && !verbose(r))
}

func verbose(r *http.Request) bool { return r.URL.Query().Has("verbose") }

func healthz(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") }

// readyz answers whether the node is ready, and before that, if r is verbose, with a line for each
// check.
func (c Config) readyz(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	if verbose(r) && c.Checks != nil {
		for _, check := range c.Checks() {
			sign := '-'
			if check.Fine {
				sign = '+'
			}
			fmt.Fprintf(&b, "[%c] %s: %s\n", sign, check.Name, check.Text)
		}
	}
	status, text := c.readiness()
	answer(w, status, b.String()+text)
}

func (c Config) readiness() (status int, text string) {
	if c.Ready() {
		return http.StatusOK, "ready\n"
	}
	select {
	case <-c.Draining:
		return http.StatusServiceUnavailable, "draining\n"
	default:
		return http.StatusServiceUnavailable, "starting\n"
	}
}
