package origin

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// response returns a response to req that has a status, a Date and the given fields, and no body.
func (d *Dir) response(req *http.Request, code int, fields http.Header) *http.Response {
	resp := &http.Response{
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{"Date": {httpDate(d.now())}},
		Body:       http.NoBody,
		Request:    req,
	}
	maps.Copy(resp.Header, fields)
	setStatus(resp, code)
	return resp
}

func setStatus(resp *http.Response, code int) {
	resp.StatusCode, resp.Status = code, fmt.Sprintf("%d %s", code, http.StatusText(code))
}

// conditional returns the response to req by its preconditions (RFC 9110 section 13.2.2) for what
// has these validators now: a 304, a 412, or a 200 that has still to be given its content. It
// reports whether a Range is to be honoured; strong is about Last-Modified.
func (d *Dir) conditional(req *http.Request, validators http.Header, strong bool) (
	resp *http.Response, ranged bool,
) {
	method := cmp.Or(req.Method, http.MethodGet)
	outcome, ranged := httpcache.OriginPreconditions(method, req.Header, validators, strong)
	switch outcome {
	case httpcache.PreconditionFailed:
		return d.text(req, http.StatusPreconditionFailed), false
	case httpcache.NotModified:
		return d.response(req, http.StatusNotModified, validators), false
	}
	return d.response(req, http.StatusOK, validators), ranged
}

// text returns a response whose body is its status.
func (d *Dir) text(req *http.Request, code int) *http.Response {
	resp := d.response(req, code, nil)
	setContent(resp, "text/plain; charset=utf-8", []byte(resp.Status+"\n"))
	return resp
}

// setContent gives content to resp. The response to a HEAD gets the fields only.
func setContent(resp *http.Response, mediaType string, content []byte) {
	resp.Header.Set("Content-Type", mediaType)
	setLength(resp, int64(len(content)))
	if resp.Request.Method != http.MethodHead {
		resp.Body = io.NopCloser(bytes.NewReader(content))
	}
}

func setLength(resp *http.Response, length int64) {
	resp.ContentLength = length
	resp.Header.Set("Content-Length", strconv.FormatInt(length, 10))
}

// httpDate returns t as an HTTP-date (RFC 9110 section 5.6.7).
func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
