package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// ErrUnasked means that the origin sent a 304 or a part although the request had no condition or
// range.
var ErrUnasked = errors.New(
	"the origin answers a condition or a range that it wasn't asked for")

// acceptable returns why the response can't be used as a response to req, or nil. It repairs what
// it can. It closes the body of a response that can't be used.
func acceptable(req *http.Request, resp *http.Response) error {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	sent, status, err := req.Header, resp.StatusCode, tidy(resp.Header)
	switched := status == http.StatusSwitchingProtocols && len(sent["Upgrade"]) > 0
	conditional := len(sent["If-None-Match"]) > 0 || len(sent["If-Modified-Since"]) > 0
	switch {
	case err != nil:
	case status > 599 || status < 200 && !switched: // RFC 9110 section 15
		err = fmt.Errorf("the origin answers with the status %03d, which is no final one", status)
	case status == http.StatusNotModified && !conditional:
		err = ErrUnasked
	case status == http.StatusPartialContent && len(sent["Range"]) == 0:
		whole(resp)
	}
	if err != nil {
		_ = resp.Body.Close()
	}
	return err
}

// whole turns a 206 that holds the whole content into a 200.
func whole(resp *http.Response) {
	part, ok := httpcache.ParseContentRange(resp.Header)
	if !ok || part.Start != 0 || part.End != part.Total ||
		resp.ContentLength >= 0 && resp.ContentLength != part.Total {
		return
	}
	delete(resp.Header, "Content-Range")
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
}

// Unasked reports whether a response is a 206 although neither the request that was sent to the
// origin nor the client's request has a Range.
func Unasked(resp *http.Response, sent, asked http.Header) bool {
	return resp.StatusCode == http.StatusPartialContent &&
		len(sent["Range"]) == 0 && len(asked["Range"]) == 0
}

var errFraming = errors.New(
	"the origin's response has whitespace between the name of a field that frames it and the colon")

// tidy removes whitespace between field names and colons (RFC 9112 section 5.1), and fields whose
// names contain whitespace. It fails if such a field should have framed the content: net/http has
// already read the response without it.
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
