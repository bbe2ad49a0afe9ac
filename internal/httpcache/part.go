package httpcache

import (
	"math"
	"net/http"
	"strings"
)

// Part is the part of a representation that a 206 holds: the bytes [Start, End) of Total. The zero
// Part is none.
type Part struct{ Start, End, Total int64 }

// ParsePart reads the Content-Range of a 206 with one part whose content has length bytes. It fails
// as ParseContentRange does, or if the field contradicts the content: what the content is then
// isn't known (RFC 9111 §3.3).
func ParsePart(h http.Header, length int64) (p Part, ok bool) {
	p, ok = ParseContentRange(h)
	if !ok || p.End-p.Start != length {
		return Part{}, false
	}
	return p, true
}

// ParseContentRange reads the Content-Range of a 206 with one part (RFC 9110 §14.4, §15.3.7). It
// fails if the field isn't about bytes, doesn't state the total, or contradicts itself.
func ParseContentRange(h http.Header) (p Part, ok bool) {
	value, ok := cutPrefixFold(single(h, "Content-Range"), "bytes ")
	if !ok {
		return Part{}, false
	}
	span, total, _ := strings.Cut(value, "/")
	first, last, _ := strings.Cut(span, "-")
	start, ok1 := digits(first, math.MaxInt64)
	end, ok2 := digits(last, math.MaxInt64)
	size, ok3 := digits(total, math.MaxInt64)
	if !ok1 || !ok2 || !ok3 || start > end || end >= size {
		return Part{}, false
	}
	return Part{Start: start, End: end + 1, Total: size}, true
}

// Answers reports whether a stored part is all that a request asks for, so that it may be answered
// with it (RFC 9111 §3.3): a GET of a single range within. If-Range has to be compared with the
// whole, which isn't stored.
func (p Part) Answers(request http.Header) bool {
	_, ok := p.Of(request)
	return ok
}

// Of returns the range that the request asks for, of the whole, if the part Answers it.
func (p Part) Of(request http.Header) (Range, bool) {
	field := rangeField(request)
	if field == "" || len(request["If-Range"]) > 0 {
		return Range{}, false
	}
	ranges, err := ParseRange(field, p.Total)
	if err != nil || len(ranges) != 1 {
		return Range{}, false
	}
	r := ranges[0]
	if r.Start < p.Start || r.Start+r.Length > p.End {
		return Range{}, false
	}
	return r, true
}

// SingleRange reports whether a request asks for one range of bytes without If-Range.
func SingleRange(request http.Header) bool {
	set, ok := cutPrefixFold(rangeField(request), bytesUnit)
	return ok && set != "" && !strings.Contains(set, ",") && len(request["If-Range"]) == 0
}
