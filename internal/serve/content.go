package serve

import (
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/store"
)

// whole sends all of the content.
func (t *response) whole(d *decide.Decision) error {
	var rd store.Reader
	t.reader(&rd, d, 0, -1)
	defer rd.Close()
	if err := t.ready(d, &rd); err != nil {
		return err
	}
	t.putFields(d, d.Record.Status)
	trailing := d.Record.Length < 0 || len(d.Record.Trailer) > 0 && wantsTrailer(t.r)
	if length := t.s.head(d.Record).length; !trailing && length != nil {
		t.w.Header()["Content-Length"] = length
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
	return r.ProtoAtLeast(1, 1) &&
		strings.Contains(strings.ToLower(strings.Join(r.Header["Te"], ",")), "trailers")
}

// reader makes rd read [start, end) of the content.
func (t *response) reader(rd *store.Reader, d *decide.Decision, start, end int64) {
	if d.Result != nil {
		t.s.Store.ReaderFrom(rd, t, d.Result, start, end)
		if rd.Drives() && !beforeWait(t.w, rd.Release) {
			rd.Release() // a write may take long
		}
		return
	}
	t.s.Store.Reader(rd, t, d.Record, start, end)
	rd.Give(d.Chunk)
	d.Chunk = nil // a slow client may take long
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
	case t.Noted():
		d.ContentAsked(store.AskedForThis)
	}
	return nil
}

// settle makes the outcome what came of it, once rd has been read: what others hadn't said in time
// that they held may have come from them.
func (t *response) settle(d *decide.Decision, rd *store.Reader) {
	said := t.outcome
	if said != decide.OutcomeHit && said != decide.OutcomePartial &&
		said != decide.OutcomeCollapsed {
		return
	}
	rd.Settle(t.r.Context(), t.flush)
	asked := rd.Asked()
	if t.Noted() { // for another of its parts, perhaps
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
	if t.outcome == decide.OutcomeCollapsed && d.Result == nil {
		t.span.Link(rd.Shared())
	}
}
