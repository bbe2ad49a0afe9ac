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
		Status:     fmt.Sprintf("%d %s", code, http.StatusText(code)),
		StatusCode: code,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{"Date": {httpDate(d.now())}},
		Body:       http.NoBody,
		Request:    req,
	}
	maps.Copy(resp.Header, fields)
	return resp
}

// judge evaluates the preconditions of req (RFC 9110 section 13.2.2) against the validators of what
// there is now; strong is about Last-Modified. It returns the status of the response, 200, 304 or
// 412, and whether a Range is to be honoured.
func judge(req *http.Request, validators http.Header, strong bool) (code int, ranged bool) {
	method := cmp.Or(req.Method, http.MethodGet)
	outcome, ranged := httpcache.OriginPreconditions(method, req.Header, validators, strong)
	switch outcome {
	case httpcache.PreconditionFailed:
		return http.StatusPreconditionFailed, false
	case httpcache.NotModified:
		return http.StatusNotModified, false
	}
	return http.StatusOK, ranged
}

// text returns a response whose body is its status.
func (d *Dir) text(req *http.Request, code int) *http.Response {
	resp := d.response(req, code, nil)
	setContent(resp, "text/plain; charset=utf-8", []byte(resp.Status+"\n"))
	return resp
}

// setContent makes content the content of resp, which the response to a HEAD describes but doesn't
// carry.
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
