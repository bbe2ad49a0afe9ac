package serve

import (
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/store"
)

// discard is the log of what net/http says about forwarded requests: the origin's line has it.
var discard = log.New(io.Discard, "", 0)

// forward sends the request to the origin past the cache, and the response back.
func (t *response) forward(d *decide.Decision) error {
	f := &forwarded{response: t, status: d.Status, sent: t.s.Now()}
	f.body, _ = t.r.Body.(*watchedBody)
	if t.q.Method == http.MethodPost {
		f.before = t.s.Store.Moment()
	}
	t.entry.Cache, t.entry.Source = d.Outcome.String(), "origin"
	t.w.Header()["Content-Type"] = nil // unless the origin has one; net/http would make one up
	r := t.r.WithContext(t.r.Context())
	if r.Header = ofMethod(t.q.Method, t.r.Header); len(r.Header["Upgrade"]) > 0 && !t.q.Upgrade {
		r.Header = r.Header.Clone()
		delete(r.Header, "Upgrade")
	}
	proxy := httputil.ReverseProxy{
		Transport:      t.s.Origin.Forwarding(store.Cause{ID: t.id, Span: t.span}),
		FlushInterval:  -1, // as it comes
		Rewrite:        f.rewrite,
		ModifyResponse: f.received,
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { f.fail(err) },
		ErrorLog:       discard,
	}
	proxy.ServeHTTP(t.w, r)
	return f.err
}

// fail answers where there is no response to be sent.
func (f *forwarded) fail(err error) {
	if status, cause := f.body.fault(f.r.Context()); status != 0 { // it wasn't the origin
		f.entry.Err = cause
		f.w.Header().Set("Cache-Status", f.status.String())
		Refuse(f.w, status)
		return
	}
	if f.r.Context().Err() != nil {
		f.err = f.cut(nil)
		return
	}
	f.response.fail(fetch.FailureOf(err), f.status)
	f.entry.Cache = decide.OutcomePass.String()
}

// rewrite makes the origin's request of the client's.
func (f *forwarded) rewrite(pr *httputil.ProxyRequest) {
	pr.Out.URL = f.s.Site.Target(f.q.Resource)
	pr.Out.Host = ""               // the origin's own
	pr.Out.Trailer = pr.In.Trailer // which fills in when the body has been read
	if f.q.Head() && !f.q.Authorized {
		// What is stored for others learns from the answer.
		f.s.Origin.DropSteering(pr.Out.Header)
		maps.Copy(pr.Out.Header, fetch.Identified(pr.In))
	} else {
		pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
		pr.SetXForwarded()
		pr.Out.Header["Forwarded"] = append(slices.Clip(pr.In.Header["Forwarded"]), hop(pr.In))
	}
	if left, limited := maxForwards(pr.In); limited {
		pr.Out.Header.Set("Max-Forwards", strconv.FormatUint(left-1, 10))
	}
	f.s.Origin.Mark(pr.Out.Header, pr.In.Proto)
}

// hop is this hop's element of Forwarded (RFC 7239).
func hop(r *http.Request) string {
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	element := fetch.Identified(r).Get("Forwarded") + ";proto=" + proto
	if r.Host != "" {
		element += `;host="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Host) + `"`
	}
	return element
}

// received makes the client's response of the origin's.
func (f *forwarded) received(resp *http.Response) error {
	h := resp.Header
	if fetch.Unasked(resp, resp.Request.Header, nil) {
		fetch.Refuse(resp.Body, fetch.ErrUnasked)
		return fetch.ErrUnasked
	}
	lost := fetch.Broken(resp.Body)
	f.observe(resp) // what it has changed is changed
	if lost != nil {
		f.status.Stored = false
		return lost
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if values, ok := h[name]; ok {
			h[name] = f.s.Site.ForClients(values, f.q.Resource)
		}
	}
	h["Via"] = f.s.Origin.Via(h["Via"], resp.Proto)
	f.status.FwdStatus, f.status.Key = resp.StatusCode, f.q.Resource
	h["Cache-Status"] = append(h["Cache-Status"], f.status.String())
	f.count(decide.OutcomePass)
	return nil
}

// forwarded is a request on its way to the origin past the cache.
type forwarded struct {
	*response
	status decide.CacheStatus
	sent   time.Time
	before store.Moment // the request was sent, if it is a POST
	body   *watchedBody // of the request, if it is watched
	err    error        // of carrying it out
}
