package proxy

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// reply is a stored response about to be sent to one client.
type reply struct {
	rec     *store.Record
	answer  *store.Result // that rec came with, if it was fetched for this request
	use     httpcache.Reuse
	outcome string
	status  cacheStatus // unless it is a plain hit
	peer    string      // the node by way of which it comes, if any
}

// answer sends rp, or the part of it that r asks for (RFC 9110 sections 13 and 14). If the bytes
// went away meanwhile, nothing is sent, and it returns rp's record.
func (p *Proxy) answer(w *logging.Writer, r *http.Request, rp *reply) (gone *store.Record) {
	if !p.answered(w, r, rp) {
		return rp.rec
	}
	return nil
}

// answered is answer; it returns false if the bytes went away.
func (p *Proxy) answered(w *logging.Writer, r *http.Request, rp *reply) (done bool) {
	rec := rp.rec
	outcome, ranges := httpcache.Proceed, false
	partial := rec.Part != store.Part{}
	if rec.Status == http.StatusOK || partial { // preconditions are about a success: RFC 9110 section 13.2.1
		outcome, ranges = p.preconditions(r, rec)
	}
	switch outcome {
	case httpcache.NotModified:
		p.putFields(w, rp)
		notModified(w.Header())
		w.WriteHeader(http.StatusNotModified)
		return true
	case httpcache.PreconditionFailed:
		p.putFields(w, rp)
		delete(w.Header(), "Content-Type")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusPreconditionFailed)
		return true
	}
	if partial {
		return p.answerPart(w, r, rp)
	}
	if r.Method == http.MethodHead || !hasContent(rec.Status) {
		p.putFields(w, rp)
		setLength(w.Header(), p.head(rec).length)
		w.WriteHeader(rec.Status)
		return true
	}
	if ranges && rec.Length >= 0 {
		if done, served := p.answerRanges(w, r, rp); served {
			return done
		}
	}
	return p.answerWhole(w, r, rp)
}

// putFields sets the header fields of rp, and what the log is to tell.
func (p *Proxy) putFields(w *logging.Writer, rp *reply) {
	h, head := w.Header(), p.head(rp.rec)
	head.put(h, rp.use.Age)
	h["Cache-Status"] = rp.cacheStatus(head)
	p.stats.count(rp.outcome)
	w.Cache, w.Version, w.Age, w.HasAge = rp.outcome, rp.rec.Version, rp.use.Age, true
	switch w.Peer = rp.peer; {
	case rp.peer != "":
		w.Source = "peer"
	case rp.outcome == outcomeMiss:
		w.Source = "origin"
	default:
		w.Source = "memory"
	}
}

// cacheStatus is the Cache-Status field of rp, whose record has that head.
func (rp *reply) cacheStatus(head *head) []string {
	switch {
	case rp.outcome != outcomeHit:
	case rp.peer == "":
		return head.at(rp.use.Age).status
	default:
		rp.status = cacheStatus{hit: true, ttl: rp.use.Lifetime - rp.use.Age.Truncate(time.Second), hasTTL: true}
	}
	if rp.peer != "" && rp.status.detail == "" {
		rp.status.detail = "peer"
	}
	return head.status(rp.status)
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

// answerWhole sends all of the content.
func (p *Proxy) answerWhole(w *logging.Writer, r *http.Request, rp *reply) (done bool) {
	var rd store.Reader
	p.reader(&rd, by(w, r), rp, 0, -1)
	defer rd.Close()
	if done, ok := p.ready(w, r, rp, &rd); !ok {
		return done
	}
	p.putFields(w, rp)
	trailing := rp.rec.Length < 0 || len(rp.rec.Trailer) > 0 && wantsTrailer(r)
	if !trailing {
		setLength(w.Header(), p.head(rp.rec).length)
	}
	w.WriteHeader(rp.rec.Status)
	p.copy(w, r.Context(), rp, &rd)
	if trailing {
		putTrailer(w, rd.Trailer())
	}
	return true
}

// wantsTrailer reports whether the client would rather know the trailer fields than the length (RFC
// 9110 section 10.1.4).
func wantsTrailer(r *http.Request) bool {
	return r.ProtoAtLeast(1, 1) && strings.Contains(strings.ToLower(strings.Join(r.Header["Te"], ",")), "trailers")
}

// reader makes rd read [start, end) of rp's content.
func (p *Proxy) reader(rd *store.Reader, by store.Fields, rp *reply, start, end int64) {
	if rp.answer != nil {
		p.store.ReaderFrom(rd, by, rp.answer, start, end)
		return
	}
	p.store.Reader(rd, by, rp.rec, start, end)
}

// by is the part of r that a request to the origin has which is made for it.
func by(w *logging.Writer, r *http.Request) store.Fields {
	f := store.Fields{Header: endToEnd(r.Header), Proto: r.Proto, Cause: cause(w)}
	if len(f.Header["Authorization"]) > 0 {
		f.From = identified(r)
	}
	return f
}

// cause is w's request, for which the origin may be asked.
func cause(w *logging.Writer) store.Cause { return store.Cause{ID: w.ID(), Asked: w.Asked()} }

// ready waits until rd's first bytes are certain. If they won't come, it has sent an error (done)
// or everything is to be looked at again (not done).
func (p *Proxy) ready(w *logging.Writer, r *http.Request, rp *reply, rd *store.Reader) (done, ok bool) {
	err := rd.Ready(r.Context())
	if err == nil {
		err = rd.Await(r.Context())
	}
	if err != nil {
		return p.unready(w, r, rp, err)
	}
	if rp.peer == "" {
		rp.peer = rd.Peer()
	}
	switch {
	case rp.fromMemory():
		rp.foreseen(rd.Foresee(r.Context()))
	case rp.outcome == outcomeCollapsed && w.Asked().Load(): // what was fetched for another isn't all
		rp.outcome, rp.status.collapsed = outcomeMiss, false
	}
	return true, true
}

// unready is what ready says if the bytes can't be had.
func (p *Proxy) unready(w *logging.Writer, r *http.Request, rp *reply, err error) (done, ok bool) {
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	case wentAway(err):
		return false, false
	}
	p.fail(w, rp.status, err)
	return true, false
}

// copy writes what rd reads. A response that can't be completed ends as an aborted connection, so
// that the client can tell.
func (p *Proxy) copy(w *logging.Writer, ctx context.Context, rp *reply, rd *store.Reader) {
	defer p.settle(ctx, w, rp, rd)
	for {
		b, err := rd.Next(ctx, w.Flush)
		if from := rd.Source(); from != "memory" {
			w.Source = from
			w.Peer = cmp.Or(w.Peer, rd.Peer())
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			abort(w, err)
		}
		if _, err := w.Write(b); err != nil {
			abort(w, nil) // the client has gone or is stuck, which the log line tells by its bytes
		}
	}
}

// abort ends a response that has begun. The error is logged with the request unless it is the
// origin's, which has been logged with the origin's request.
func abort(w *logging.Writer, err error) {
	if _, logged := errors.AsType[*store.Failure](err); !logged && !errors.Is(err, context.Canceled) {
		w.Err = err
	}
	panic(http.ErrAbortHandler)
}

// answerOnce sends a response that isn't stored to the one client whose request it resps.
func (p *Proxy) answerOnce(w *logging.Writer, r *http.Request, res *store.Result, status cacheStatus) {
	rp := &reply{rec: res.Record, outcome: outcomePass, status: status}
	rp.status.detail = p.passDetail(res.Record)
	rp.peer = res.Peer
	outcome := httpcache.Proceed
	if res.Record.Status == http.StatusOK {
		outcome, _ = p.preconditions(r, res.Record)
	}
	p.putFields(w, rp)
	if rp.peer == "" {
		w.Source = "origin"
	}
	h := w.Header()
	delete(h, "Age") // it comes straight from the origin
	if age := p.head(res.Record).stored()["Age"]; age != nil {
		h["Age"] = age
	}
	switch outcome {
	case httpcache.NotModified:
		notModified(h)
		w.WriteHeader(http.StatusNotModified)
		return
	case httpcache.PreconditionFailed:
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if res.Record.Length >= 0 && hasContent(res.Record.Status) {
		h.Set("Content-Length", strconv.FormatInt(res.Record.Length, 10))
	}
	w.WriteHeader(res.Record.Status)
	if hasContent(res.Record.Status) && r.Method != http.MethodHead {
		defer context.AfterFunc(r.Context(), res.Cancel)() // so that it isn't read for nobody
		if res.Quiet() {
			w.Flush() // the client needn't wait for what the origin keeps back
		}
		p.relay(w, res.Body)
	}
	if res.Trailer != nil && res.Record.Length < 0 && r.Method != http.MethodHead {
		putTrailer(w, res.Trailer())
	}
}

// putTrailer sends trailer fields after a content whose length wasn't told (RFC 9110 section 6.5).
func putTrailer(w *logging.Writer, trailer http.Header) {
	if len(trailer) == 0 {
		return
	}
	w.Flush() // else net/http would find out the length, and a content with a length has no trailer
	for name, values := range trailer {
		w.Header()[http.TrailerPrefix+name] = values
	}
}

// relay writes body as it comes.
func (p *Proxy) relay(w *logging.Writer, body io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if _, werr := w.Write(buf[:n]); werr != nil {
			abort(w, nil)
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			abort(w, failed(err))
		}
		w.Flush()
	}
}
