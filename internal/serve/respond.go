package serve

import (
	"context"
	"fmt"
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// respond sends d's record, or of it what the request asks for. The error wraps fill.ErrGone if the
// bytes went away; then, and if it doesn't wrap errCut, nothing has been sent.
func (t *response) respond(d *decide.Decision) error {
	rep := decide.Represent(&t.q, d.Record, t.s.head(d.Record).header)
	switch {
	case rep.Status == 0:
		return fmt.Errorf("nothing of the part that %s holds is asked for: %w", d.Record.Key,
			fill.ErrGone)
	case rep.Status == http.StatusRequestedRangeNotSatisfiable && d.Record.Status != rep.Status:
		return t.refuseRange(d)
	case rep.Empty:
		t.putFields(d, rep.Status)
		t.writeHead(d, rep.Status)
		return nil
	case len(rep.Parts) > 1:
		return t.multipart(d, rep.Parts)
	case rep.Parts != nil:
		return t.part(d, rep.Parts[0])
	}
	return t.whole(d)
}

// relay sends a response that isn't stored to the one client whose request it answers.
func (t *response) relay(d *decide.Decision) error {
	res, status := d.Result, d.Record.Status
	if status == http.StatusOK {
		switch outcome, _ := httpcache.Preconditions(t.q.Method, t.q.Header,
			t.s.head(d.Record).header); outcome {
		case httpcache.NotModified:
			status = http.StatusNotModified
		case httpcache.PreconditionFailed:
			status = http.StatusPreconditionFailed
		}
	}
	t.putFields(d, status)
	h := t.w.Header()
	h["Age"] = t.s.head(d.Record).header["Age"] // it comes straight from the origin
	if t.writeHead(d, status); status != d.Record.Status || t.q.Head() {
		return nil
	}
	if httpcache.HasContent(d.Record.Status) {
		defer context.AfterFunc(t.r.Context(), res.Cancel)() // so that it isn't read for nobody
		if res.Quiet() {
			t.flush() // the client needn't wait for what the origin keeps back
		}
		if err := t.pass(res.Body); err != nil {
			return err
		}
	}
	if res.Trailer != nil && d.Record.Length < 0 {
		t.putTrailer(res.Trailer())
	}
	return nil
}
