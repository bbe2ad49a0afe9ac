package proxy

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
)

var errUnasked = errors.New("the origin answers a condition or a range that it wasn't asked for")

// acceptable says what is wrong with the head of a response to req, so that it can't be taken for
// an answer.
func acceptable(req *http.Request, resp *http.Response) error {
	if status := resp.StatusCode; status > 599 || status < 200 && status != http.StatusSwitchingProtocols { // RFC 9110 section 15
		return fmt.Errorf("the origin answers with the status %03d, which is no final one", status)
	}
	if err := tidy(resp.Header); err != nil {
		return err
	}
	switch sent := req.Header; {
	case resp.StatusCode == http.StatusNotModified && len(sent["If-None-Match"]) == 0 && len(sent["If-Modified-Since"]) == 0:
		return errUnasked
	case resp.StatusCode == http.StatusPartialContent && len(sent["Range"]) == 0:
		whole(resp)
	}
	return nil
}

// whole makes of a 206 that holds all of the content the 200 that it stands for.
func whole(resp *http.Response) {
	part, ok := httpcache.ParseContentRange(resp.Header)
	if !ok || part.Start != 0 || part.End != part.Total || resp.ContentLength >= 0 && resp.ContentLength != part.Total {
		return
	}
	delete(resp.Header, "Content-Range")
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
}

// unasked reports whether a response is a part of what was to come whole: neither the request that
// was sent, nor the one that it was sent for, has a Range.
func unasked(resp *http.Response, sent, asked http.Header) bool {
	return resp.StatusCode == http.StatusPartialContent && len(sent["Range"]) == 0 && len(asked["Range"]) == 0
}
