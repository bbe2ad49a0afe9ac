package fastlane

import (
	"bytes"
	"net/http"
)

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
