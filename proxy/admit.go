package proxy

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/serve"
)

// admit refuses requests for impossible hosts (RFC 9112 section 3.2, RFC 9110 section 4.2.4), and
// answers those about the server as a whole.
func (p *Proxy) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !hostport.Valid(r.Host) || r.URL.User != nil:
			serve.Refuse(w, http.StatusBadRequest)
		case r.Method == http.MethodOptions && r.RequestURI == "*":
			options(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// limit refuses requests that the limits don't allow: it asks the gate about each, as package
// fastlane does about those that it answers.
func (p *Proxy) limit(next http.Handler) http.Handler {
	if p.gate.Open() && len(p.gate.Trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := rw.(*logging.Writer) // which logging.Access has made
		client, told := p.gate.Client(r.RemoteAddr, r.Header)
		if told {
			w.Client = client.String()
		}
		p.admitted(w, r, p.gate.Admit(client), next)
	})
}

// limitRequests is limit for requests that no client has sent, and that no client's rate bounds.
func (p *Proxy) limitRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.admitted(w.(*logging.Writer), r, p.gate.Enter(), next)
	})
}

// admitted has next answer r, or says why not.
func (p *Proxy) admitted(w *logging.Writer, r *http.Request, v admission.Verdict,
	next http.Handler) {
	if v.Reason != admission.Admitted {
		p.gate.Refuse(v.Reason)
		deny(w, v)
		return
	}
	defer p.gate.Done()
	next.ServeHTTP(w, r)
}

// deny answers a request that isn't taken on.
func deny(w *logging.Writer, v admission.Verdict) {
	status := http.StatusServiceUnavailable
	if v.Reason == admission.ClientRate {
		status = http.StatusTooManyRequests
	}
	w.Note = "limit: " + v.Reason.String()
	h := w.Header()
	h.Set("Retry-After", seconds(v.Wait))
	h.Set("Cache-Control", "no-store")
	h.Set("Proxy-Status", decide.Name+"; error=http_request_denied")
	serve.Refuse(w, status)
}

// seconds is d in whole seconds, rounded up, as Retry-After has it.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}
