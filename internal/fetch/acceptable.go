package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// ErrUnasked is that the origin answers what can't be an answer to what it was asked.
var ErrUnasked = errors.New(
	"the origin answers a condition or a range that it wasn't asked for")

// acceptable says what is wrong with the head of a response to req, so that it can't be taken for
// an answer.
func acceptable(req *http.Request, resp *http.Response) error {
	status, sent := resp.StatusCode, req.Header
	// RFC 9110 section 15
	if status > 599 || status < 200 && status != http.StatusSwitchingProtocols {
		return fmt.Errorf("the origin answers with the status %03d, which is no final one", status)
	}
	if err := tidy(resp.Header); err != nil {
		return err
	}
	conditional := len(sent["If-None-Match"]) > 0 || len(sent["If-Modified-Since"]) > 0
	switch {
	case status == http.StatusNotModified && !conditional:
		return ErrUnasked
	case status == http.StatusPartialContent && len(sent["Range"]) == 0:
		whole(resp)
	}
	return nil
}

// whole makes of a 206 that holds all of the content the 200 that it stands for.
func whole(resp *http.Response) {
	part, ok := httpcache.ParseContentRange(resp.Header)
	if !ok || part.Start != 0 || part.End != part.Total ||
		resp.ContentLength >= 0 && resp.ContentLength != part.Total {
		return
	}
	delete(resp.Header, "Content-Range")
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
}

// Unasked reports whether a response is a part of what was to come whole: neither the request that
// was sent, nor the one that it was sent for, has a Range.
func Unasked(resp *http.Response, sent, asked http.Header) bool {
	return resp.StatusCode == http.StatusPartialContent &&
		len(sent["Range"]) == 0 && len(asked["Range"]) == 0
}

var errFraming = errors.New(
	"the origin's response has whitespace between the name of a field that frames it and the colon")

// tidy removes whitespace between field names and colons (RFC 9112 section 5.1), and what has some
// in its name. Of a field that would have framed the content, it is too late to.
func tidy(h http.Header) error {
	for name, values := range h {
		if !strings.ContainsAny(name, " \t") {
			continue
		}
		delete(h, name)
		bare := http.CanonicalHeaderKey(strings.TrimRight(name, " \t"))
		switch {
		case strings.ContainsAny(bare, " \t"): // no name, on which the next recipient would fail
		case bare == "Transfer-Encoding", bare == "Content-Length":
			return errFraming
		default:
			h[bare] = append(h[bare], values...)
		}
	}
	return nil
}
