package proxy

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// respond sends d's record, or of it what the request asks for. The error wraps fill.ErrGone if the
// bytes went away; then, and if it doesn't wrap errCut, nothing has been sent.
func (t *response) respond(d *decision) error {
	rep := represent(&t.q, d.rec, t.p.preconditioned(&t.q, d.rec))
	switch {
	case rep.status == 0:
		return fmt.Errorf("nothing of the part that %s holds is asked for: %w", d.rec.Key, fill.ErrGone)
	case rep.status == http.StatusRequestedRangeNotSatisfiable:
		return t.refuseRange(d)
	case rep.empty:
		t.empty(d, rep.status)
		return nil
	case len(rep.parts) > 1:
		return t.multipart(d, rep.parts)
	case rep.parts != nil:
		return t.part(d, rep.parts[0])
	}
	return t.whole(d)
}

// putFields sets the fields of d's record, and what the log says.
func (t *response) putFields(d *decision) {
	h, head := t.w.Header(), t.p.head(d.rec)
	head.put(h, d.use.Age)
	h["Cache-Status"] = d.cacheStatus(head)
	t.count(d.outcome)
	t.entry.Version, t.entry.Age, t.entry.HasAge = d.rec.Version, d.use.Age, true
	switch t.entry.Peer = d.peer; {
	case d.peer != "":
		t.entry.Source = "peer"
	case d.outcome == outcomeMiss || d.action == actRelay:
		t.entry.Source = "origin"
	default:
		t.entry.Source = "memory"
	}
}

// cacheStatus is the Cache-Status field of d, whose record has that head.
func (d *decision) cacheStatus(head *head) []string {
	switch {
	case d.outcome != outcomeHit:
	case d.peer == "":
		return head.at(d.use.Age).status
	default:
		d.status = cacheStatus{hit: true, ttl: d.ttl(), hasTTL: true}
	}
	if d.peer != "" && d.status.detail == "" {
		d.status.detail = "peer"
	}
	return head.status(d.status)
}

// empty sends a response without content.
func (t *response) empty(d *decision, status int) {
	t.putFields(d)
	h := t.w.Header()
	switch status {
	case http.StatusNotModified:
		notModified(h)
	case http.StatusPreconditionFailed:
		delete(h, "Content-Type")
		h.Set("Content-Length", "0")
	default:
		setLength(h, t.p.head(d.rec).length)
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
func (t *response) whole(d *decision) error {
	var rd store.Reader
	t.reader(&rd, d, 0, -1)
	defer rd.Close()
	if err := t.ready(d, &rd); err != nil {
		return err
	}
	t.putFields(d)
	trailing := d.rec.Length < 0 || len(d.rec.Trailer) > 0 && wantsTrailer(t.r)
	if !trailing {
		setLength(t.w.Header(), t.p.head(d.rec).length)
	}
	t.w.WriteHeader(d.rec.Status)
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
func (t *response) reader(rd *store.Reader, d *decision, start, end int64) {
	if d.result != nil {
		t.p.store.ReaderFrom(rd, t.fields(), d.result, start, end)
		return
	}
	t.p.store.Reader(rd, t.fields(), d.rec, start, end)
}

// ready waits until rd's first bytes are certain.
func (t *response) ready(d *decision, rd *store.Reader) error {
	err := rd.Ready(t.r.Context())
	if err == nil {
		err = rd.Await(t.r.Context())
	}
	if err != nil {
		return err
	}
	if d.peer == "" {
		d.peer = rd.Peer()
	}
	switch {
	case d.fromMemory():
		d.content(rd.Foresee(t.r.Context()))
	case t.originAsked():
		d.content(store.AskedForThis)
	}
	return nil
}

// settle makes the outcome what came of it, once rd has been read: what others hadn't said in time
// that they held may have come from them.
func (t *response) settle(d *decision, rd *store.Reader) {
	said := t.outcome
	if said != outcomeHit && said != outcomePartial && said != outcomeCollapsed {
		return
	}
	rd.Settle(t.r.Context(), t.flush)
	asked := rd.Asked()
	if t.originAsked() { // for another of its parts, perhaps
		asked = store.AskedForThis
	}
	switch {
	case d.result != nil: // collapsed, or found wanting
		if asked == store.AskedForThis {
			t.count(outcomeMiss)
		}
	case said != outcomeCollapsed || asked == store.AskedForThis:
		t.count(outcomeOf(asked))
	}
}

// relay sends a response that isn't stored to the one client whose request it answers.
func (t *response) relay(d *decision) error {
	res, outcome := d.result, httpcache.Proceed
	if d.rec.Status == http.StatusOK {
		outcome, _ = httpcache.Preconditions(t.q.method, t.q.header, t.p.preconditioned(&t.q, d.rec))
	}
	t.putFields(d)
	h := t.w.Header()
	delete(h, "Age") // it comes straight from the origin
	if age := t.p.head(d.rec).stored()["Age"]; age != nil {
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
	if d.rec.Length >= 0 && hasContent(d.rec.Status) {
		h.Set("Content-Length", strconv.FormatInt(d.rec.Length, 10))
	}
	t.w.WriteHeader(d.rec.Status)
	if t.q.head() {
		return nil
	}
	if hasContent(d.rec.Status) {
		defer context.AfterFunc(t.r.Context(), res.Cancel)() // so that it isn't read for nobody
		if res.Quiet() {
			t.flush() // the client needn't wait for what the origin keeps back
		}
		if err := t.copyBody(res.Body); err != nil {
			return err
		}
	}
	if res.Trailer != nil && d.rec.Length < 0 {
		t.putTrailer(res.Trailer())
	}
	return nil
}
