package fastlane

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
)

// request is a plain one. Its target and its lines are views of the bytes that were read.
type request struct {
	target string
	lines  []byte // its field lines, with the empty one after them
	fields *fields
	trace  http.Header // the fields that carry a trace, if it is traced
	size   int         // of its head, in bytes
}

// fields are the field lines of a request, once they are understood. Requests whose lines are the
// same byte by byte share them, so they are never changed.
type fields struct {
	raw       string
	host      string
	userAgent string
	request   decide.Request // but for its resource
	header    http.Header    // as net/http would read it

	// The client that they tell, if a trusted proxy has sent them; shown is "" if they tell none.
	client netip.Addr
	shown  string
}

// handed is r, which has come from that address, as net/http would have read it, for a handler. It
// is nil if r's target is no URL.
func (r *request) handed(remote string) *http.Request {
	target := strings.Clone(r.target)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	header := r.fields.header.Clone()
	if len(r.lines) > len(r.fields.raw) { // a trace has been cut from them
		_, values, _ := cutTrace(nil, r.lines)
		maps.Copy(header, carried(&values))
	}
	return &http.Request{
		Method: r.fields.request.Method, URL: u, RequestURI: target, Host: r.fields.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody, RemoteAddr: remote,
	}
}
