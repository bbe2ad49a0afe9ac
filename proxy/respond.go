package proxy

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// respond sends d's record, or of it what the request asks for. The error wraps fill.ErrGone if the
// bytes went away; then, and if it doesn't wrap errCut, nothing has been sent.
func (t *response) respond(d *decide.Decision) error {
	rep := decide.Represent(&t.q, d.Record, t.p.preconditioned(&t.q, d.Record))
	switch {
	case rep.Status == 0:
		return fmt.Errorf("nothing of the part that %s holds is asked for: %w", d.Record.Key, fill.ErrGone)
	case rep.Status == http.StatusRequestedRangeNotSatisfiable:
		return t.refuseRange(d)
	case rep.Empty:
		t.empty(d, rep.Status)
		return nil
	case len(rep.Parts) > 1:
		return t.multipart(d, rep.Parts)
	case rep.Parts != nil:
		return t.part(d, rep.Parts[0])
	}
	return t.whole(d)
}

// putFields sets the fields of d's record, and what the log says.
func (t *response) putFields(d *decide.Decision) {
	h, head := t.w.Header(), t.p.head(d.Record)
	head.put(h, d.Use.Age)
	h["Cache-Status"] = statusField(d, head)
	t.count(d.Outcome)
	t.entry.Version, t.entry.Age, t.entry.HasAge = d.Record.Version, d.Use.Age, true
	switch t.entry.Peer = d.Peer; {
	case d.Peer != "":
		t.entry.Source = "peer"
	case d.Outcome == decide.OutcomeMiss || d.Action == decide.Relay:
		t.entry.Source = "origin"
	default:
		t.entry.Source = "memory"
	}
}

// statusField is the Cache-Status field of d, whose record has that head.
func statusField(d *decide.Decision, head *head) []string {
	switch {
	case d.Outcome != decide.OutcomeHit:
	case d.Peer == "":
		return head.at(d.Use.Age).status
	default:
		d.Status = decide.CacheStatus{Hit: true, TTL: d.TTL(), HasTTL: true}
	}
	if d.Peer != "" && d.Status.Detail == "" {
		d.Status.Detail = "peer"
	}
	return head.status(d.Status)
}

// empty sends a response without content.
func (t *response) empty(d *decide.Decision, status int) {
	t.putFields(d)
	h := t.w.Header()
	switch status {
	case http.StatusNotModified:
		notModified(h)
	case http.StatusPreconditionFailed:
		delete(h, "Content-Type")
		h.Set("Content-Length", "0")
	default:
		setLength(h, t.p.head(d.Record).length)
	}
	t.w.WriteHeader(status)
}

// notModified leaves out what a 304 doesn't say (RFC 9110 section 15.4.5).
func notModified(h http.Header) {
	delete(h, "Content-Type")
	delete(h, "Content-Encoding")
	if _, ok := h["Etag"]; ok {
		delete(h, "Last-Modified")
	}
}

func setLength(h http.Header, length []string) {
	if length != nil {
		h["Content-Length"] = length
	}
}

// whole sends all of the content.
func (t *response) whole(d *decide.Decision) error {
	var rd store.Reader
	t.reader(&rd, d, 0, -1)
	defer rd.Close()
	if err := t.ready(d, &rd); err != nil {
		return err
	}
	t.putFields(d)
	trailing := d.Record.Length < 0 || len(d.Record.Trailer) > 0 && wantsTrailer(t.r)
	if !trailing {
		setLength(t.w.Header(), t.p.head(d.Record).length)
	}
	t.w.WriteHeader(d.Record.Status)
	err := t.copy(&rd)
	t.settle(d, &rd)
	if trailing && err == nil {
		t.putTrailer(rd.Trailer())
	}
	return err
}

// wantsTrailer reports whether the client would rather know the trailer fields than the length (RFC
// 9110 section 10.1.4).
func wantsTrailer(r *http.Request) bool {
	return r.ProtoAtLeast(1, 1) && strings.Contains(strings.ToLower(strings.Join(r.Header["Te"], ",")), "trailers")
}

// reader makes rd read [start, end) of the content.
func (t *response) reader(rd *store.Reader, d *decide.Decision, start, end int64) {
	if d.Result != nil {
		t.p.store.ReaderFrom(rd, t.fields(), d.Result, start, end)
		return
	}
	t.p.store.Reader(rd, t.fields(), d.Record, start, end)
}

// ready waits until rd's first bytes are certain.
func (t *response) ready(d *decide.Decision, rd *store.Reader) error {
	err := rd.Ready(t.r.Context())
	if err == nil {
		err = rd.Await(t.r.Context())
	}
	if err != nil {
		return err
	}
	if d.Peer == "" {
		d.Peer = rd.Peer()
	}
	switch {
	case d.FromMemory():
		d.ContentAsked(rd.Foresee(t.r.Context()))
	case t.originAsked():
		d.ContentAsked(store.AskedForThis)
	}
	return nil
}

// settle makes the outcome what came of it, once rd has been read: what others hadn't said in time
// that they held may have come from them.
func (t *response) settle(d *decide.Decision, rd *store.Reader) {
	said := t.outcome
	if said != decide.OutcomeHit && said != decide.OutcomePartial && said != decide.OutcomeCollapsed {
		return
	}
	rd.Settle(t.r.Context(), t.flush)
	asked := rd.Asked()
	if t.originAsked() { // for another of its parts, perhaps
		asked = store.AskedForThis
	}
	switch {
	case d.Result != nil: // collapsed, or found wanting
		if asked == store.AskedForThis {
			t.count(decide.OutcomeMiss)
		}
	case said != decide.OutcomeCollapsed || asked == store.AskedForThis:
		t.count(decide.OutcomeOf(asked))
	}
}

// relay sends a response that isn't stored to the one client whose request it answers.
func (t *response) relay(d *decide.Decision) error {
	res, outcome := d.Result, httpcache.Proceed
	if d.Record.Status == http.StatusOK {
		outcome, _ = httpcache.Preconditions(t.q.Method, t.q.Header, t.p.preconditioned(&t.q, d.Record))
	}
	t.putFields(d)
	h := t.w.Header()
	delete(h, "Age") // it comes straight from the origin
	if age := t.p.head(d.Record).stored()["Age"]; age != nil {
		h["Age"] = age
	}
	switch outcome {
	case httpcache.NotModified:
		notModified(h)
		t.w.WriteHeader(http.StatusNotModified)
		return nil
	case httpcache.PreconditionFailed:
		h.Set("Content-Length", "0")
		t.w.WriteHeader(http.StatusPreconditionFailed)
		return nil
	}
	if d.Record.Length >= 0 && httpcache.HasContent(d.Record.Status) {
		h.Set("Content-Length", strconv.FormatInt(d.Record.Length, 10))
	}
	t.w.WriteHeader(d.Record.Status)
	if t.q.Head() {
		return nil
	}
	if httpcache.HasContent(d.Record.Status) {
		defer context.AfterFunc(t.r.Context(), res.Cancel)() // so that it isn't read for nobody
		if res.Quiet() {
			t.flush() // the client needn't wait for what the origin keeps back
		}
		if err := t.copyBody(res.Body); err != nil {
			return err
		}
	}
	if res.Trailer != nil && d.Record.Length < 0 {
		t.putTrailer(res.Trailer())
	}
	return nil
}
