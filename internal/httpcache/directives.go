package httpcache

import (
	"net/http"
	"strings"
	"time"
)

// Directives are the cache directives of one message (RFC 9111 §5.2) that mean something to a
// shared cache. Others are never present. It is a plain value; parsing allocates nothing.
type Directives struct {
	bare    uint32 // directives seen without "="
	valued  uint32 // directives seen with "="
	invalid uint32 // directives whose seconds can't be relied upon
	seconds [deltas]int64

	field    bool // there is such a field at all
	broken   bool // a quoted-string never ended, or a type is wrong: the field permits nothing
	targeted bool // from a targeted field (RFC 9213), in place of Cache-Control and Expires
}

// directive is an index into directiveNames. Those that take delta-seconds come first.
type directive uint

const (
	maxAge directive = iota
	sMaxage
	minFresh
	maxStale
	staleWhileRevalidate
	staleIfError
	noCache
	noStore
	private
	public
	mustRevalidate
	proxyRevalidate
	mustUnderstand
	onlyIfCached
)

// deltas is the number of directives that take delta-seconds.
const deltas = staleIfError + 1

var directiveNames = [...]string{
	maxAge:               "max-age",
	sMaxage:              "s-maxage",
	minFresh:             "min-fresh",
	maxStale:             "max-stale",
	staleWhileRevalidate: "stale-while-revalidate", // RFC 5861 §3
	staleIfError:         "stale-if-error",         // RFC 5861 §4
	noCache:              "no-cache",
	noStore:              "no-store",
	private:              "private",
	public:               "public",
	mustRevalidate:       "must-revalidate",
	proxyRevalidate:      "proxy-revalidate",
	mustUnderstand:       "must-understand",
	onlyIfCached:         "only-if-cached",
}

// maxDelta is what larger delta-seconds count as (RFC 9111 §1.2.2).
const maxDelta = 1 << 31

// ParseDirectives reads every Cache-Control line of h. It accepts errors of senders whose meaning
// is plain: whitespace around "=", capital letters, empty list members, delta-seconds as a
// quoted-string (§5.2). After an unbalanced quote it goes on splitting at commas, so that a
// no-store behind it is still seen, but then no number counts as valid.
func ParseDirectives(h http.Header) Directives {
	lines := h["Cache-Control"]
	d := Directives{field: len(lines) > 0}
	for _, line := range lines {
		for line != "" {
			line = d.next(line)
		}
	}
	return d
}

// pragmaNoCache covers the deprecated Pragma (§5.4), which counts only if there is no
// Cache-Control.
func pragmaNoCache(request http.Header) bool {
	for member := range Members(request["Pragma"]) {
		if strings.EqualFold(member, "no-cache") {
			return true
		}
	}
	return false
}

// next reads one directive off the line and returns what follows its comma.
//
//	cache-directive = token [ "=" ( token / quoted-string ) ]
func (d *Directives) next(line string) (rest string) {
	equals := strings.IndexAny(line, "=,")
	if equals < 0 || line[equals] == ',' {
		name, rest, _ := strings.Cut(line, ",")
		if k, ok := directiveNamed(trimOWS(name)); ok {
			d.bare |= 1 << k
		}
		return rest
	}
	// A comma inside a quoted-string separates nothing, as in private="a, b". Quotes anywhere but
	// at the beginning of a value aren't quoted-strings and hide nothing.
	value, quoted := trimOWS(line[equals+1:]), 0
	if strings.HasPrefix(value, `"`) && !d.broken {
		quoted = quotedLength(value)
		d.broken = quoted == 0
	}
	unquoted, rest, _ := strings.Cut(value[quoted:], ",")
	if k, ok := directiveNamed(trimOWS(line[:equals])); ok {
		d.addValue(k, trimOWS(value[:quoted+len(unquoted)]))
	}
	return rest
}

// quotedLength is the length of the quoted-string that s begins with, or 0 if it doesn't end.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func (d *Directives) addValue(k directive, value string) {
	if k >= deltas {
		d.valued |= 1 << k
		return
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	n, ok := digits(value, maxDelta)
	d.addSeconds(k, n, ok)
}

// addSeconds adds a directive that takes delta-seconds. It isn't ok if its value is none.
func (d *Directives) addSeconds(k directive, n int64, ok bool) {
	// §4.2.1: of several values that differ, a cache may use the first or consider the response
	// stale; the latter is always safe.
	if !ok || d.valued&(1<<k) != 0 && n != d.seconds[k] {
		d.invalid |= 1 << k
	}
	d.valued |= 1 << k
	d.seconds[k] = n
}

func directiveNamed(name string) (directive, bool) {
	for k, known := range directiveNames {
		if equalFold(name, known) {
			return directive(k), true
		}
	}
	return 0, false
}

// Has reports whether the directive is present, with or without a value. The name's case doesn't
// matter.
func (d Directives) Has(name string) bool {
	k, ok := directiveNamed(name)
	return ok && d.has(k)
}

func (d Directives) has(k directive) bool { return (d.bare|d.valued)&(1<<k) != 0 }

// permits is has for directives that loosen a rule: a broken field loosens none.
func (d Directives) permits(k directive) bool { return d.has(k) && !d.broken }

// alone reports whether the directive is present without a value only.
func (d Directives) alone(k directive) bool { return d.permits(k) && d.valued&(1<<k) == 0 }

// delta returns the value of a directive that takes delta-seconds. One that is present but isn't
// valid (no value, something other than digits, values that differ, an unbalanced quote in the
// field) has zero seconds: a response that states its freshness so is stale (RFC 9111 §4.2.1).
func (d Directives) delta(k directive) (seconds time.Duration, present, valid bool) {
	if d.broken || d.valued&^d.invalid&^d.bare&(1<<k) == 0 {
		return 0, d.has(k), false
	}
	return time.Duration(d.seconds[k]) * time.Second, true, true
}
