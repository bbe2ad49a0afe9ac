package proxy

import (
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// answerRanges sends the parts that the Range field asks for (RFC 9110 section 14.2). It returns
// served false if the field is to be ignored.
func (p *Proxy) answerRanges(w *logging.Writer, r *http.Request, rp *reply) (done, served bool) {
	field := r.Header.Get("Range")
	if field == "" {
		return false, false
	}
	size := rp.rec.Length
	ranges, err := httpcache.ParseRange(field, size)
	switch {
	case errors.Is(err, httpcache.ErrUnsatisfiable), errors.Is(err, httpcache.ErrTooMany):
		p.stats.count(rp.outcome)
		w.Cache = rp.outcome
		w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		w.Header()["Cache-Status"] = rp.cacheStatus(p.head(rp.rec))
		p.refuse(w, http.StatusRequestedRangeNotSatisfiable)
		return true, true
	case err != nil, len(ranges) == 0, httpcache.TotalLength(ranges) > size:
		return false, false
	}
	if len(ranges) == 1 {
		return p.answerRange(w, r, rp, ranges[0]), true
	}
	return p.answerMultipart(w, r, rp, ranges), true
}

// rangedPass reports whether the origin is to be asked for the very range that a request wants of
// rec, which isn't kept whole: the part that it sends may be kept.
func (p *Proxy) rangedPass(method string, header http.Header, rec *store.Record) bool {
	return method == http.MethodGet && p.store.Streams(rec) && httpcache.SingleRange(header)
}

// passOn answers a request for what isn't stored, as rec tells, by a request of its own to the
// origin.
func (p *Proxy) passOn(w *logging.Writer, r *http.Request, key string, rec *store.Record, fwd string) (gone *store.Record) {
	if header := endToEnd(r.Header); p.rangedPass(r.Method, header, rec) {
		q := requestOf(w, r, key, header)
		q.Ranged = true
		return p.fetch(w, r, q, nil, cacheStatus{fwd: "partial"})
	}
	p.forward(w, r, key, cacheStatus{fwd: fwd, detail: p.passDetail(rec)})
	return nil
}

// passDetail is why rec isn't stored, in a word for Cache-Status.
func (p *Proxy) passDetail(rec *store.Record) string {
	if p.store.Streams(rec) {
		return "too-large"
	}
	return "not-storable"
}

// answerPart sends what the request asks for of a stored part.
func (p *Proxy) answerPart(w *logging.Writer, r *http.Request, rp *reply) (done bool) {
	part := httpcache.Part(rp.rec.Part)
	span, ok := part.Of(r.Header)
	if !ok { // it has been selected because it is
		return false
	}
	var rd store.Reader
	p.reader(&rd, by(w, r), rp, span.Start-part.Start, span.Start-part.Start+span.Length)
	defer rd.Close()
	if done, ok := p.ready(w, r, rp, &rd); !ok {
		return done
	}
	p.putFields(w, rp)
	h := w.Header()
	h["Content-Length"] = []string{strconv.FormatInt(span.Length, 10)}
	h["Content-Range"] = []string{span.ContentRange(part.Total)}
	w.WriteHeader(http.StatusPartialContent)
	p.copy(w, r.Context(), rp, &rd)
	return true
}

// answerRange sends one part.
func (p *Proxy) answerRange(w *logging.Writer, r *http.Request, rp *reply, part httpcache.Range) (done bool) {
	var rd store.Reader
	p.reader(&rd, by(w, r), rp, part.Start, part.Start+part.Length)
	defer rd.Close()
	if done, ok := p.ready(w, r, rp, &rd); !ok {
		return done
	}
	p.putFields(w, rp)
	h := w.Header()
	h["Content-Length"] = []string{strconv.FormatInt(part.Length, 10)}
	h["Content-Range"] = []string{part.ContentRange(rp.rec.Length)}
	w.WriteHeader(http.StatusPartialContent)
	p.copy(w, r.Context(), rp, &rd)
	return true
}

// answerMultipart sends several parts as multipart/byteranges (RFC 9110 section 14.6).
func (p *Proxy) answerMultipart(w *logging.Writer, r *http.Request, rp *reply, parts []httpcache.Range) (done bool) {
	var rd store.Reader
	p.reader(&rd, by(w, r), rp, parts[0].Start, parts[0].Start+parts[0].Length)
	defer func() { rd.Close() }()
	if done, ok := p.ready(w, r, rp, &rd); !ok {
		return done
	}
	if done, ok := p.readyParts(w, r, rp, parts[1:]); !ok {
		return done
	}
	contentType := rp.rec.Head.Get("Content-Type")
	size := rp.rec.Length
	m := multipart.NewWriter(w)
	p.putFields(w, rp)
	h := w.Header()
	h.Set("Content-Type", "multipart/byteranges; boundary="+m.Boundary())
	h.Set("Content-Length", strconv.FormatInt(multipartLength(parts, contentType, size, m.Boundary()), 10))
	w.WriteHeader(http.StatusPartialContent)
	for i, part := range parts {
		if i > 0 {
			rd.Close()
			p.store.Reader(&rd, by(w, r), rp.rec, part.Start, part.Start+part.Length)
		}
		if _, err := m.CreatePart(partHeader(part, contentType, size)); err != nil {
			abort(w, nil)
		}
		p.copy(w, r.Context(), rp, &rd)
	}
	if m.Close() != nil {
		abort(w, nil)
	}
	return true
}

// readyParts is ready for the parts that come after the first. What is missing of a content that
// can be asked for by ranges is asked for when it is its turn. Any other content is held as a whole
// or not at all, which has to be known before the head is sent: each part has chunks of its own, of
// which some may have been evicted.
func (p *Proxy) readyParts(w *logging.Writer, r *http.Request, rp *reply, parts []httpcache.Range) (done, ok bool) {
	if rp.rec.Rangeable {
		if rp.fromMemory() {
			rp.foreseen(p.foresee(r.Context(), rp.rec, parts))
		}
		return true, true
	}
	for _, part := range parts {
		var rd store.Reader
		p.store.Reader(&rd, by(w, r), rp.rec, part.Start, part.Start+part.Length)
		err := rd.Ready(r.Context())
		if err == nil && rp.fromMemory() {
			rp.foreseen(rd.Foresee(r.Context()))
		}
		rd.Close() // a body that is being read doesn't wait for parts whose turn is later
		if err != nil {
			return p.unready(w, r, rp, err)
		}
	}
	return true, true
}

func partHeader(part httpcache.Range, contentType string, size int64) textproto.MIMEHeader {
	h := textproto.MIMEHeader{"Content-Range": {part.ContentRange(size)}}
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	return h
}

// multipartLength is how many bytes the parts take with what is between them.
func multipartLength(parts []httpcache.Range, contentType string, size int64, boundary string) int64 {
	var n counter
	m := multipart.NewWriter(&n)
	err := m.SetBoundary(boundary)
	for _, part := range parts {
		_, e := m.CreatePart(partHeader(part, contentType, size))
		err = errors.Join(err, e)
		n += counter(part.Length)
	}
	if err = errors.Join(err, m.Close()); err != nil {
		panic(fmt.Sprintf("a counter can't fail: %v", err))
	}
	return int64(n)
}

// counter is a writer that counts.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
