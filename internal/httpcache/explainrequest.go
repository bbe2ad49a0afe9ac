package httpcache

import (
	"fmt"
	"net/http"
	"time"
)

// explainRequest says what the request's own cache directives ask for, or that they are ignored.
// There are no lines if it has none.
func (p Policy) explainRequest(request http.Header) (lines []Line) {
	field, pragma := len(request["Cache-Control"]) > 0, pragmaNoCache(request)
	if p.IgnoreRequest {
		if field || pragma {
			lines = append(lines, Line{
				Text: "The request's Cache-Control and Pragma are ignored, by the setting " +
					"ignore-request-directives.",
			})
		}
		return lines
	}
	d := p.RequestDirectives(request)
	say := func(section, format string, args ...any) {
		lines = append(lines, Line{
			"The request says " + fmt.Sprintf(format, args...) + ".",
			section,
		})
	}
	switch {
	case pragma && field:
		say("RFC 9111 §5.4", "Pragma: no-cache, which is ignored beside a Cache-Control")
	case pragma:
		say("RFC 9111 §5.4", "Pragma: no-cache, so the origin is asked before anything stored "+
			"is used")
	case d.has(noCache):
		say("RFC 9111 §5.2.1.4", "no-cache, so the origin is asked before anything stored is used")
	}
	if d.has(noStore) {
		say("RFC 9111 §5.2.1.5", "no-store: if the origin has to be asked, its answer is for "+
			"this client alone and isn't stored")
	}
	if d.has(onlyIfCached) {
		say("RFC 9111 §5.2.1.7", "only-if-cached: it wants a 504 rather than that the origin "+
			"is asked")
	}
	for _, k := range []directive{maxAge, minFresh, maxStale, staleIfError} {
		if d.has(k) {
			requestSeconds(&d, k, say)
		}
	}
	return lines
}

// requestSeconds explains a directive that takes seconds.
func requestSeconds(d *Directives, k directive, say func(section, format string, args ...any)) {
	limit, _, valid := d.delta(k)
	n := int64(limit / time.Second)
	switch {
	case k == maxAge && !valid:
		say("RFC 9111 §5.2.1.1", "a max-age that isn't one whole number, so the origin is asked "+
			"before anything stored is used")
	case k == maxAge && n == 0:
		say("RFC 9111 §5.2.1.1", "max-age=0, so the origin is asked before anything stored is used")
	case k == maxAge:
		say("RFC 9111 §5.2.1.1", "max-age=%d: it wants nothing that is older "+
			"than %s", n, span(limit))
	case k == minFresh && !valid:
		say("RFC 9111 §5.2.1.3", "a min-fresh that isn't one whole number, so the origin is "+
			"asked before anything stored is used")
	case k == minFresh:
		say("RFC 9111 §5.2.1.3", "min-fresh=%d: it wants only what stays fresh for "+
			"another %s", n, span(limit))
	case k == maxStale && d.alone(k):
		say("RFC 9111 §5.2.1.2", "max-stale: it takes what is stale, however long, unless the "+
			"response forbids that")
	case k == maxStale && valid:
		say("RFC 9111 §5.2.1.2", "max-stale=%d: it takes what has been stale for up to %s, "+
			"unless the response forbids that", n, span(limit))
	case k == staleIfError && valid:
		say("RFC 5861 §4", "stale-if-error=%d: if the origin fails, it takes what has been "+
			"stale for up to %s, unless the response forbids that", n, span(limit))
	default:
		say("RFC 9111 §5.2", "a %s that isn't one whole number, which is "+
			"ignored", directiveNames[k])
	}
}
