package origin

import (
	"math"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// span is a run of a file's bytes.
type span struct{ start, length int64 }

// parseRange returns the part of size bytes that the lines of a Range field ask for, and the status
// of the answer (RFC 9110 section 14.2): 206 for a single satisfiable range, 416 for a single one
// that isn't, and 200 with the whole for no range, several, other units or nonsense. An empty file
// is answered whole, as http.ServeContent does: some clients put a range on every request.
func parseRange(lines []string, size int64) (span, int) {
	whole := span{length: size}
	first, last, ok := singleRange(lines)
	if !ok || size == 0 {
		return whole, http.StatusOK
	}
	if first == "" {
		n, ok := position(last)
		switch {
		case !ok:
			return whole, http.StatusOK
		case n == 0:
			return span{}, http.StatusRequestedRangeNotSatisfiable
		}
		n = min(n, size)
		return span{size - n, n}, http.StatusPartialContent
	}
	start, okStart := position(first)
	end, okEnd := position(last)
	if last == "" {
		end, okEnd = math.MaxInt64, true
	}
	switch {
	case !okStart || !okEnd || end < start:
		return whole, http.StatusOK
	case start >= size:
		return span{}, http.StatusRequestedRangeNotSatisfiable
	}
	return span{start, min(end, size-1) - start + 1}, http.StatusPartialContent
}

// singleRange returns the two sides of the only range in lines. It isn't ok if there are more or
// less, or if their unit isn't bytes.
func singleRange(lines []string) (first, last string, ok bool) {
	if len(lines) != 1 {
		return "", "", false
	}
	unit, set, _ := strings.Cut(lines[0], "=")
	if !strings.EqualFold(unit, "bytes") {
		return "", "", false
	}
	spec := ""
	for member := range strings.SplitSeq(set, ",") {
		member = textproto.TrimString(member)
		if member != "" && spec != "" {
			return "", "", false
		}
		spec += member
	}
	return strings.Cut(spec, "-")
}

// position parses a number of digits only. One beyond any file stands for the largest.
func position(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}
