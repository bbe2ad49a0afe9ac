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

// conditional evaluates the preconditions of resp's request (RFC 9110 section 13.2.2) for what has
// these validators now. resp becomes a 412 or a 304, or gets the validators and has still to be
// given its content. ranged says whether a Range is to be honoured then; strong is about
// Last-Modified.
func conditional(resp *http.Response, validators http.Header, strong bool) (ranged bool) {
	method := cmp.Or(resp.Request.Method, http.MethodGet)
	outcome, ranged := httpcache.OriginPreconditions(method, resp.Request.Header, validators,
		strong)
	if outcome == httpcache.PreconditionFailed {
		setText(resp, http.StatusPreconditionFailed)
		return false
	}
	maps.Copy(resp.Header, validators)
	if outcome == httpcache.NotModified {
		resp.StatusCode = http.StatusNotModified
	}
	return ranged
}

// setText gives a status to resp, which is also its content.
func setText(resp *http.Response, code int) {
	resp.StatusCode = code
	setContent(resp, "text/plain; charset=utf-8", []byte(statusLine(code)+"\n"))
}

func statusLine(code int) string { return fmt.Sprintf("%d %s", code, http.StatusText(code)) }

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
