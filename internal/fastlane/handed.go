package fastlane

import (
	"net/http"
	"net/url"
	"strings"
)

// handed is r as net/http would have read it, for a handler. It is nil if r's target is no URL.
func (l *Lane) handed(c Conn, r *request) *http.Request {
	target := strings.Clone(r.target)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	header := r.fields.header.Clone()
	if len(r.lines) > len(r.fields.raw) { // a trace has been cut from them
		_, values, _ := cutTrace(nil, r.lines)
		for i, v := range values {
			if v != nil {
				header[carriers[i]] = []string{string(v)}
			}
		}
	}
	return &http.Request{
		Method: r.fields.request.Method, URL: u, RequestURI: target, Host: r.fields.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody, RemoteAddr: c.Remote(),
	}
}
