package serve

import (
	"bytes"
	"cmp"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// part sends one part of the content.
func (t *response) part(d *decide.Decision, span httpcache.Range) error {
	base := d.Record.Part.Start // the record may hold no more than a part
	total := cmp.Or(d.Record.Part.Total, d.Record.Length)
	var rd store.Reader
	t.reader(&rd, d, span.Start-base, span.Start-base+span.Length)
	defer rd.Close()
	if err := t.ready(d, &rd); err != nil {
		return err
	}
	t.putFields(d, http.StatusPartialContent)
	h := t.w.Header()
	h["Content-Length"] = []string{strconv.FormatInt(span.Length, 10)}
	h["Content-Range"] = []string{span.ContentRange(total)}
	t.w.WriteHeader(http.StatusPartialContent)
	err := t.copy(&rd)
	t.settle(d, &rd)
	return err
}

// multipart sends several parts as multipart/byteranges (RFC 9110 section 14.6).
func (t *response) multipart(d *decide.Decision, parts []httpcache.Range) error {
	var rd store.Reader
	t.reader(&rd, d, parts[0].Start, parts[0].Start+parts[0].Length)
	defer func() { rd.Close() }()
	if err := t.ready(d, &rd); err != nil {
		return err
	}
	if err := t.readyParts(d, parts[1:]); err != nil {
		return err
	}
	boundary, heads := partHeads(d.Record, parts)
	length := int64(len(heads[len(parts)]))
	for i, part := range parts {
		length += int64(len(heads[i])) + part.Length
	}
	t.putFields(d, http.StatusPartialContent)
	h := t.w.Header()
	h.Set("Content-Type", "multipart/byteranges; boundary="+boundary)
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	t.w.WriteHeader(http.StatusPartialContent)
	for i, part := range parts {
		if i > 0 {
			rd.Close()
			t.s.Store.Reader(&rd, t, d.Record, part.Start, part.Start+part.Length)
		}
		if _, err := t.w.Write(heads[i]); err != nil {
			return t.cut(nil)
		}
		err := t.copy(&rd)
		t.settle(d, &rd)
		if err != nil {
			return err
		}
	}
	if _, err := t.w.Write(heads[len(parts)]); err != nil {
		return t.cut(nil)
	}
	return nil
}

// readyParts is ready for the parts that come after the first. What is missing of a content that
// can be asked for by ranges is asked for when it is its turn. Any other content is held as a whole
// or not at all, which has to be known before the head is sent: each part has chunks of its own, of
// which some may have been evicted.
func (t *response) readyParts(d *decide.Decision, parts []httpcache.Range) error {
	ctx := t.r.Context()
	for _, part := range parts {
		var rd store.Reader
		var err error
		t.s.Store.Reader(&rd, t, d.Record, part.Start, part.Start+part.Length)
		if !d.Record.Rangeable {
			err = rd.Ready(ctx)
		}
		if err == nil && d.FromMemory() {
			d.ContentAsked(rd.Foresee(ctx))
		}
		rd.Close() // a body that is being read doesn't wait for parts whose turn is later
		if err != nil {
			return err
		}
	}
	return nil
}

// partHeads are what precedes each part in a multipart content, and what ends that.
func partHeads(rec *store.Record, parts []httpcache.Range) (boundary string, heads [][]byte) {
	var b bytes.Buffer // which can't fail
	m, h := multipart.NewWriter(&b), textproto.MIMEHeader{}
	if contentType := rec.Head.Get("Content-Type"); contentType != "" {
		h.Set("Content-Type", contentType)
	}
	for _, part := range parts {
		h.Set("Content-Range", part.ContentRange(rec.Length))
		_, _ = m.CreatePart(h)
		heads = append(heads, bytes.Clone(b.Bytes()))
		b.Reset()
	}
	_ = m.Close()
	return m.Boundary(), append(heads, b.Bytes())
}
