package serve

import (
	"errors"
	"fmt"
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
	base, total := int64(0), d.Record.Length
	if part := d.Record.Part; part != (store.Part{}) { // the record holds no more than that
		base, total = part.Start, part.Total
	}
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
	contentType, size := d.Record.Head.Get("Content-Type"), d.Record.Length
	m := multipart.NewWriter(t.w)
	t.putFields(d, http.StatusPartialContent)
	h := t.w.Header()
	h.Set("Content-Type", "multipart/byteranges; boundary="+m.Boundary())
	h.Set("Content-Length", strconv.FormatInt(multipartLength(parts, contentType, size,
		m.Boundary()), 10))
	t.w.WriteHeader(http.StatusPartialContent)
	for i, part := range parts {
		if i > 0 {
			rd.Close()
			t.s.Store.Reader(&rd, t.fields(), d.Record, part.Start, part.Start+part.Length)
		}
		if _, err := m.CreatePart(partHeader(part, contentType, size)); err != nil {
			return t.cut(nil)
		}
		err := t.copy(&rd)
		t.settle(d, &rd)
		if err != nil {
			return err
		}
	}
	if m.Close() != nil {
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
		if d.Record.Rangeable {
			if d.FromMemory() {
				t.s.Store.Reader(&rd, store.Fields{}, d.Record, part.Start, part.Start+part.Length)
				d.ContentAsked(rd.Foresee(ctx))
			}
			continue
		}
		t.s.Store.Reader(&rd, t.fields(), d.Record, part.Start, part.Start+part.Length)
		err := rd.Ready(ctx)
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
func partHeader(part httpcache.Range, contentType string, size int64) textproto.MIMEHeader {
	h := textproto.MIMEHeader{"Content-Range": {part.ContentRange(size)}}
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	return h
}

// multipartLength is how many bytes the parts take with what is between them.
func multipartLength(parts []httpcache.Range, contentType string, size int64,
	boundary string) int64 {
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
