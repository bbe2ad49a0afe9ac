package fastlane

import (
	"bytes"
	"net/http"
	"strings"
)

// request is a plain one. Its target and its lines are views of the bytes that were read.
type request struct {
	target string
	lines  []byte // its field lines, with the empty one after them
	fields *fields
	trace  http.Header // the fields that carry a trace, if it is traced
	size   int         // of its head, in bytes
}

// recognise returns the request that p begins with. It reports whether that is a plain one, and
// complete.
func (l *Lane) recognise(p []byte) (r request, ok bool) {
	line, rest, _ := bytes.Cut(p, []byte("\r\n"))
	method := http.MethodGet
	if line, ok = bytes.CutPrefix(line, []byte("GET ")); !ok {
		method = http.MethodHead
		if line, ok = bytes.CutPrefix(line, []byte("HEAD ")); !ok {
			return request{}, false
		}
	}
	target, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	if !ok || !plainTarget(target) {
		return request{}, false
	}
	end := bytes.Index(rest, []byte("\r\n\r\n"))
	if end < 0 {
		return request{}, false
	}
	end += len("\r\n\r\n")
	f, trace := l.fields(method, rest[:end])
	return request{text(target), rest[:end], f, trace, len(p) - len(rest) + end}, f != nil
}

// plainTarget reports whether a target is in origin form and has only characters that stand for
// themselves.
func plainTarget(target []byte) bool {
	for _, c := range target {
		if !plain[c] {
			return false
		}
	}
	return len(target) > 0 && target[0] == '/'
}

// plain are the characters of a path or a query that need no escape (RFC 3986 section 3.3).
var plain = func() (set [256]bool) {
	const marks = "-._~!$&'()*+,;=:@/?"
	for c := range set {
		set[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c < 128 && strings.IndexByte(marks, byte(c)) >= 0
	}
	return set
}()
