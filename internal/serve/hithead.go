package serve

import (
	"cmp"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// AppendHead appends the head of h in HTTP/1.1 to b.
func (h *Hit) AppendHead(b []byte) []byte {
	rec := h.d.Record
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(h.Status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(h.Status)...)
	b = append(b, "\r\n"...)
	b = append(b, h.head.lines(h.Status)...)
	b = h.appendOurs(b)
	switch {
	case h.span.Length > 0:
		total := cmp.Or(rec.Part.Total, rec.Length)
		b = append(h.span.AppendContentRange(append(b, "Content-Range: "...), total), "\r\n"...)
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), h.span.Length, 10),
			"\r\n"...)
	case h.Status == rec.Status && h.head.length != nil:
		b = appendField(b, "Content-Length", h.head.length[0])
	}
	if !h.head.dated {
		b = appendField(b, "Date", date())
	}
	return append(b, "\r\n"...)
}

// appendOurs appends the fields that tell what the cache has done.
func (h *Hit) appendOurs(b []byte) []byte {
	aged := h.head.at(h.d.Use.Age)
	if h.d.Peer == "" {
		return append(b, aged.lines...)
	}
	b = appendField(b, "Age", aged.age[0])
	for _, value := range statusField(&h.d, h.head) {
		b = appendField(b, "Cache-Status", value)
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// dateOf is the Date of responses in a second.
type dateOf struct {
	second int64
	text   string
}

var today atomic.Pointer[dateOf]

// date is the value of Date in responses that are made now.
func date() string {
	now := time.Now()
	if d := today.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &dateOf{now.Unix(), now.UTC().Format(http.TimeFormat)}
	today.Store(d)
	return d.text
}
