package httpcache

import (
	"math"
	"net/http"
	"strings"
	"time"
)

// Directives are the cache directives of one message (RFC 9111 §5.2) that mean something to a
// shared cache. Others are never present. It is a plain value; parsing allocates nothing.
type Directives struct {
	seen    uint32 // a bit for each directive
	invalid uint32 // those whose seconds can't be relied upon
	seconds [deltas]time.Duration

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

const (
	maxDelta  = 1 << 31       // what larger delta-seconds count as (RFC 9111 §1.2.2)
	unlimited = math.MaxInt64 // a max-stale without a value: any staleness (§5.2.1.2)
)

// ParseDirectives reads every Cache-Control line of h. It accepts errors of senders whose meaning
// is plain: whitespace around "=", capital letters, empty list members, delta-seconds as a
// quoted-string (§5.2). After an unbalanced quote it goes on splitting at commas, so that a
// no-store behind it is still seen, but then no number counts as valid.
func ParseDirectives(h http.Header) Directives {
	var d Directives
	for _, line := range h["Cache-Control"] {
		for line != "" {
			line = d.next(line)
		}
	}
	return d
}

// next reads one directive off the line and returns what follows its comma.
func (d *Directives) next(line string) (rest string) {
	// A comma inside a quoted-string separates nothing, as in private="a, b". Quotes anywhere but
	// at the beginning of a value aren't quoted-strings and hide nothing.
	quoted := 0 // where the quoted-string ends
	if equals := strings.IndexAny(line, "=,"); equals >= 0 && line[equals] == '=' && !d.broken {
		value := strings.TrimLeft(line[equals+1:], " \t")
		if strings.HasPrefix(value, `"`) {
			length := quotedLength(value)
			d.broken = length == 0
			quoted = len(line) - len(value) + length
		}
	}
	unquoted, rest, _ := strings.Cut(line[quoted:], ",")
	d.add(line[:quoted+len(unquoted)])
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

// add reads one directive.
//
//	cache-directive = token [ "=" ( token / quoted-string ) ]
func (d *Directives) add(member string) {
	name, value, valued := strings.Cut(member, "=")
	k, known := directiveNamed(trimOWS(name))
	switch {
	case !known:
	case k >= deltas:
		d.seen |= 1 << k // whatever its value
	case k == maxStale && !valued:
		d.addDelta(k, unlimited, true)
	default:
		value = trimOWS(value)
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		n, ok := digits(value, maxDelta)
		d.addDelta(k, time.Duration(n)*time.Second, ok)
	}
}

// addDelta adds a directive that takes delta-seconds. It isn't ok if its value is none.
func (d *Directives) addDelta(k directive, value time.Duration, ok bool) {
	// §4.2.1: of several values that differ, a cache may use the first or consider the response
	// stale; the latter is always safe.
	if !ok || d.has(k) && value != d.seconds[k] {
		d.invalid |= 1 << k
	}
	d.seen |= 1 << k
	d.seconds[k] = value
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

func (d Directives) has(k directive) bool { return d.seen&(1<<k) != 0 }

// permits is has for directives that loosen a rule: a broken field loosens none.
func (d Directives) permits(k directive) bool { return d.has(k) && !d.broken }

// delta returns the value of a directive that takes delta-seconds. One that is present but isn't
// valid (no value, something other than digits, values that differ, an unbalanced quote in the
// field) has zero seconds: a response that states its freshness so is stale (RFC 9111 §4.2.1).
func (d Directives) delta(k directive) (seconds time.Duration, present, valid bool) {
	if d.broken || d.seen&^d.invalid&(1<<k) == 0 {
		return 0, d.has(k), false
	}
	return d.seconds[k], true, true
}
