package httpcache

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Range is a part of a representation's bytes. Its length is at least one.
type Range struct{ Start, Length int64 }

// Errors of ParseRange.
var (
	// ErrMalformed: the field isn't a Range of bytes. It has to be ignored (RFC 9110 §14.2).
	ErrMalformed = errors.New("malformed Range")

	// ErrUnsatisfiable: none of the ranges overlaps the representation. The status is 416 (RFC 9110
	// §15.5.17).
	ErrUnsatisfiable = errors.New("unsatisfiable Range")

	// ErrTooMany: there are too many ranges. The status is 416 (RFC 9110 §14.2, §17.15).
	ErrTooMany = errors.New("too many ranges")
)

// bytesUnit is how a Range of bytes begins. Units are case-insensitive (RFC 9110 §14.1).
const bytesUnit = "bytes="

// maxRangeSpecs bounds the work that one request can ask for.
const maxRangeSpecs = 64

// rangeField returns a request's Range, or "" if there is none. It is no list: lines that repeat it
// are malformed together, and have to be ignored (RFC 9110 §14.2).
func rangeField(request http.Header) string {
	if lines := request["Range"]; len(lines) == 1 {
		return lines[0]
	}
	return ""
}

// ParseRange reads a Range field for a representation of size bytes (RFC 9110 §14.1.2, §14.2). The
// ranges come in the order of the request, cut to the representation; those that don't overlap it
// are left out as long as one does. They may overlap each other: a caller should ignore the field
// if TotalLength exceeds size. Of an empty representation there are no ranges, and a client that
// asked for some is best served with all of it: the result is nil without an error.
func ParseRange(field string, size int64) ([]Range, error) {
	set, ok := cutPrefixFold(field, bytesUnit)
	if !ok {
		return nil, ErrMalformed
	}
	var ranges []Range
	specs := 0
	for spec := range Members([]string{set}) { // §5.6.1.2: empty list members are tolerated
		if specs++; specs > maxRangeSpecs {
			return nil, ErrTooMany
		}
		r, ok := parseSpec(spec, size)
		if !ok {
			return nil, ErrMalformed
		}
		if r.Length > 0 {
			ranges = append(ranges, r)
		}
	}
	switch {
	case specs == 0:
		return nil, ErrMalformed
	case len(ranges) == 0 && size > 0:
		return nil, ErrUnsatisfiable
	}
	return ranges, nil
}

// parseSpec reads one range-spec. A range of no length doesn't overlap the representation.
// Whitespace beside the "-" isn't in the grammar, but harmless.
func parseSpec(spec string, size int64) (r Range, ok bool) {
	first, last, ok := strings.Cut(spec, "-")
	first, last = trimOWS(first), trimOWS(last)
	start, started := digits(first, math.MaxInt64)
	end, ended := digits(last, math.MaxInt64)
	switch {
	case !ok, first != "" && !started, last != "" && !ended, !started && !ended:
		return Range{}, false
	case !started: // suffix-range: the last bytes, all if there are fewer
		start, end = size-min(end, size), size
	case !ended:
		end = size
	case end < start:
		// §14.1.1: "An int-range is invalid if the last-pos value is present and less than
		// first-pos."
		return Range{}, false
	}
	if start >= size {
		return Range{}, true
	}
	return Range{Start: start, Length: min(end, size-1) - start + 1}, true
}

// TotalLength is the sum of the ranges' lengths, or the largest number there is if that is larger.
func TotalLength(ranges []Range) (total int64) {
	for _, r := range ranges {
		total += min(r.Length, math.MaxInt64-total)
	}
	return total
}

// ContentRange is the value of Content-Range (RFC 9110 §14.4) for this range of a representation of
// size bytes.
func (r Range) ContentRange(size int64) string {
	return string(r.AppendContentRange(make([]byte, 0, 48), size))
}

// AppendContentRange appends ContentRange to b.
func (r Range) AppendContentRange(b []byte, size int64) []byte {
	b = append(b, "bytes "...)
	b = strconv.AppendInt(b, r.Start, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, r.Start+r.Length-1, 10)
	b = append(b, '/')
	return strconv.AppendInt(b, size, 10)
}

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
