package proxy

import (
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// passing is what the ReverseProxy's hooks have to know of the request at hand; it travels in the
// request's context.
type passing struct {
	key    string
	status cacheStatus
	header http.Header // end-to-end, of the client's request
	sent   time.Time
	before store.Moment // the request was sent, if it is a POST
	body   *watchedBody // of the request, if it is watched
}

type passingKey struct{}

// forward sends r to the origin past the cache, and the response back.
func (p *Proxy) forward(w *logging.Writer, r *http.Request, key string, status cacheStatus) {
	w.Cache, w.Source = outcomePass, "origin"
	key = targetOf(r, key)
	if final(w, r) {
		return
	}
	w.Header()["Content-Type"] = nil // unless the origin has one; net/http would make one up
	body, _ := r.Body.(*watchedBody)
	pass := &passing{key: key, status: status, header: endToEnd(r.Header), sent: p.cfg.Now(), body: body}
	if r.Method == http.MethodPost {
		pass.before = p.store.Moment(key)
	}
	ctx := context.WithValue(withRequestID(because(r.Context(), reasonPass), w.ID()), passingKey{}, pass)
	r = r.WithContext(ctx)
	if len(r.Header["Upgrade"]) > 0 && !p.switches(r) {
		r.Header = r.Header.Clone()
		delete(r.Header, "Upgrade")
	}
	p.pass.ServeHTTP(w, r)
}

func (p *Proxy) reverseProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:      p.origin,
		FlushInterval:  -1, // as it comes
		Rewrite:        p.rewrite,
		ModifyResponse: p.passed,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			pass := r.Context().Value(passingKey{}).(*passing)
			if status, cause := pass.body.fault(r.Context()); status != 0 { // it wasn't the origin
				writer(w).Err = cause
				w.Header().Set("Cache-Status", pass.status.String())
				p.refuse(writer(w), status)
				return
			}
			if r.Context().Err() != nil {
				panic(http.ErrAbortHandler)
			}
			p.fail(writer(w), pass.status, err)
			writer(w).Cache = outcomePass
		},
		ErrorLog: log.New(io.Discard, "", 0), // the origin's log line has the error
	}
}

// rewrite makes the origin's request of the client's.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	pass := pr.In.Context().Value(passingKey{}).(*passing)
	pr.Out.URL = p.site.Target(pass.key)
	pr.Out.Host = ""               // the origin's own
	pr.Out.Trailer = pr.In.Trailer // which fills in when the body has been read
	if pr.In.Method == http.MethodHead && len(pr.In.Header["Authorization"]) == 0 {
		// What is stored for others learns from the answer.
		dropSteering(pr.Out.Header)
		maps.Copy(pr.Out.Header, identified(pr.In))
	} else {
		pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
		pr.SetXForwarded()
		pr.Out.Header["Forwarded"] = append(slices.Clip(pr.In.Header["Forwarded"]), forwarded(pr.In))
	}
	if left, limited := maxForwards(pr.In); limited {
		pr.Out.Header.Set("Max-Forwards", strconv.FormatUint(left-1, 10))
	}
	p.mark(pr.Out.Header, pr.In.Proto)
}

// forwarded is this hop's element of Forwarded (RFC 7239).
func forwarded(r *http.Request) string {
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	element := identified(r).Get("Forwarded") + ";proto=" + proto
	if r.Host != "" {
		element += `;host="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Host) + `"`
	}
	return element
}

// passed makes the client's response of the origin's.
func (p *Proxy) passed(resp *http.Response) error {
	pass := resp.Request.Context().Value(passingKey{}).(*passing)
	h := resp.Header
	if unasked(resp, resp.Request.Header, nil) {
		return errUnasked
	}
	lost := broken(resp)
	p.observe(pass, resp) // what it has changed is changed
	if lost != nil {
		pass.status.stored = false
		return lost
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if values, ok := h[name]; ok {
			h[name] = p.site.ForClients(values, pass.key)
		}
	}
	h["Via"] = via(h["Via"], resp.Proto)
	pass.status.fwdStatus, pass.status.key = resp.StatusCode, pass.key
	h["Cache-Status"] = append(h["Cache-Status"], pass.status.String())
	p.stats.count(outcomePass)
	return nil
}

// maxForwards is how many hops an OPTIONS or TRACE has left (RFC 9110 section 7.6.2); others don't
// count theirs.
func maxForwards(r *http.Request) (left uint64, limited bool) {
	if r.Method != http.MethodOptions && r.Method != http.MethodTrace {
		return 0, false
	}
	left, err := strconv.ParseUint(r.Header.Get("Max-Forwards"), 10, 31)
	return left, err == nil
}

// final answers a request that has come as far as it may.
func final(w *logging.Writer, r *http.Request) bool {
	if left, limited := maxForwards(r); !limited || left > 0 {
		return false
	}
	h := w.Header()
	h.Set("Cache-Status", name+"; detail=max-forwards")
	h.Set("Allow", "GET, HEAD, OPTIONS")
	h.Set("Content-Length", "0")
	if r.Method == http.MethodTrace {
		w.WriteHeader(http.StatusMethodNotAllowed) // an echo would show a client's fields to its scripts
	} else {
		w.WriteHeader(http.StatusOK)
	}
	return true
}
