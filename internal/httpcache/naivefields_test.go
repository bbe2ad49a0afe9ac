package httpcache_test

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sayings are the directives of one message, as the textbook reads them.
type sayings struct {
	list []saying

	// wrong: a quoted-string never ended, or a directive is of the wrong type. The RFC doesn't
	// define what such a field means. The package lets it forbid all that it names, but permit
	// nothing, and believes none of its numbers.
	wrong bool
}

type saying struct {
	name  string
	value *string // nil if there is none
}

var (
	allDigits   = regexp.MustCompile(`^[0-9]+$`)
	upperCase   = regexp.MustCompile(`[A-Z]`)
	outerOWS    = regexp.MustCompile(`^[ \t]+|[ \t]+$`)
	outerQuotes = regexp.MustCompile(`(?s)^"(.*)"$`)

	// A directive, however odd, and the comma after it. Whitespace around "=" isn't in the grammar,
	// but the package takes it for what it is meant to be. A quote that doesn't begin the value is
	// a character like others.
	quotedDirective = regexp.MustCompile(`(?s)^([^=,]*)=([ \t]*"(?:[^"\\]|\\.)*"[^,]*)(?:,|$)`)
	quoteOpens      = regexp.MustCompile(`^[^=,]*=[ \t]*"`)
	valuedDirective = regexp.MustCompile(`^([^=,]*)=([^,]*)(?:,|$)`)
	bareDirective   = regexp.MustCompile(`^([^=,]*)(?:,|$)`)
)

// lowerCase knows ASCII only: U+017F isn't an s to HTTP.
func lowerCase(s string) string { return upperCase.ReplaceAllStringFunc(s, strings.ToLower) }

func withoutOWS(s string) string { return outerOWS.ReplaceAllString(s, "") }

// readCacheControl reads all lines of a Cache-Control field (§5.2).
func readCacheControl(lines []string) (s sayings) {
	for _, line := range lines {
		for line != "" {
			m := quotedDirective.FindStringSubmatch(line)
			if s.wrong {
				// after a quote that never ends others can't be told apart, and every comma
				// separates
				m = nil
			} else if m == nil && quoteOpens.MatchString(line) {
				s.wrong = true
			}
			if m == nil {
				m = valuedDirective.FindStringSubmatch(line)
			}
			if m == nil {
				m = bareDirective.FindStringSubmatch(line)
			}
			said := saying{name: lowerCase(withoutOWS(m[1]))}
			if len(m) > 2 {
				value := withoutOWS(m[2])
				said.value = &value
			}
			s.list = append(s.list, said)
			line = line[len(m[0]):]
		}
	}
	return s
}

func (s sayings) has(name string) bool {
	return slices.ContainsFunc(s.list, func(d saying) bool { return d.name == name })
}

// bare is whether the directive is there, and never with a value.
func (s sayings) bare(name string) bool {
	return s.has(name) && !s.wrong && !slices.ContainsFunc(s.list,
		func(d saying) bool { return d.name == name && d.value != nil })
}

// valid is whether the directive has delta-seconds (§1.2.2), and the same ones wherever it is
// repeated.
func (s sayings) valid(name string) bool {
	_, ok := s.number(name)
	return ok
}

// seconds is zero if there are no valid ones.
func (s sayings) seconds(name string) *big.Int {
	n, _ := s.number(name)
	return n
}

func (s sayings) number(name string) (number *big.Int, ok bool) {
	for _, d := range s.list {
		if d.name != name {
			continue
		}
		if d.value == nil || s.wrong {
			return whole(0), false
		}
		// §5.2: "A cache MUST accept both the token and quoted-string forms". Quoted-pairs among
		// the digits are a form that isn't sent, and the package doesn't read it.
		digits := outerQuotes.ReplaceAllString(*d.value, "$1")
		if !allDigits.MatchString(digits) {
			return whole(0), false
		}
		n, _ := new(big.Int).SetString(digits, 10)
		n = minimum(n, mostSeconds)
		if number != nil && number.Cmp(n) != 0 {
			return whole(0), false
		}
		number = n
	}
	if number == nil {
		return whole(0), false
	}
	return number, true
}

// The grammar of Dictionaries (RFC 9651 §3.2).
const (
	sfKey      = `[a-z*][a-z0-9_.*-]*`
	sfDecimal  = `-?[0-9]{1,12}\.[0-9]{1,3}`
	sfInteger  = `-?[0-9]{1,15}`
	sfString   = `"(?:[ !#-\[\]-~]|\\["\\])*"`
	sfToken    = `[A-Za-z*][A-Za-z0-9!#$%&'*+.^_|~:/` + "`" + `-]*`
	sfBytes    = `:[A-Za-z0-9+/]*={0,2}:`
	sfBoolean  = `\?[01]`
	sfDate     = `@` + sfInteger
	sfDisplay  = `%"(?:[ !#$&-~]|%[0-9a-f]{2})*"`
	sfBareItem = `(?:` + sfDecimal + `|` + sfInteger + `|` + sfString + `|` + sfToken + `|` +
		sfBytes + `|` + sfBoolean + `|` + sfDate + `|` + sfDisplay + `)`
	sfParams = `(?:; *` + sfKey + `(?:=` + sfBareItem + `)?)*`
	sfInner  = `\( *(?:` + sfBareItem + sfParams + `(?: +` + sfBareItem + sfParams + `)*)? *\)`
)

var (
	sfMember = regexp.MustCompile(`^(` + sfKey + `)(?:=(` + sfInner + `|` + sfBareItem + `))?` +
		sfParams)
	sfComma   = regexp.MustCompile(`^[ \t]*,[ \t]*`)
	sfNatural = regexp.MustCompile(`^(?:[0-9]+|-0+)$`)
)

// readTargeted is RFC 9213 §2.1. "If a targeted field in a given response is empty, or a parsing
// error is encountered, that field MUST be ignored".
func readTargeted(lines []string) (s sayings, ok bool) {
	rest := strings.TrimLeft(strings.Join(lines, ", "), " ")
	last := map[string]string{} // of members of the same name (RFC 9651 §4.2.2)
	for {
		m := sfMember.FindStringSubmatch(rest)
		if m == nil {
			return sayings{}, false
		}
		last[m[1]] = m[2]
		rest = rest[len(m[0]):]
		if withoutOWS(rest) == "" {
			break
		}
		comma := sfComma.FindString(rest)
		if comma == "" {
			return sayings{}, false
		}
		rest = rest[len(comma):]
	}
	for name, value := range last {
		switch name {
		case "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error":
			// An Integer that isn't negative, or else nothing to go by. In the latter case the
			// package takes the directive to be there with invalid freshness information, not to be
			// absent.
			n := "invalid"
			if sfNatural.MatchString(value) {
				n = strings.TrimLeft(value, "-")
			}
			s.list = append(s.list, saying{name, &n})
		case "must-revalidate", "proxy-revalidate", "public", "must-understand", "no-store",
			"no-cache", "private":
			switch {
			case value == "?0":
			case value == "" || value == "?1":
				s.list = append(s.list, saying{name, nil})
			default: // only two of them have a form with an argument (RFC 9111 §5.2.2.4, §5.2.2.7)
				s.list = append(s.list, saying{name, &value})
				s.wrong = s.wrong || name != "no-cache" && name != "private"
			}
		case "only-if-cached": // means nothing in a response, but is of the wrong type all the same
			s.wrong = s.wrong || value != "" && value != "?1" && value != "?0"
		}
	}
	return s, true
}

// The three formats of an HTTP-date (RFC 9110 §5.6.7), in lower case: "a cache recipient SHOULD
// match the field value case-insensitively" and "SHOULD consider a date with a zone abbreviation
// other than "GMT" to be invalid" (§4.2). That the day of the week is another one than the date's
// doesn't matter to the package.
var (
	monthNames = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
		"nov", "dec"}
	anyMonth   = `(` + strings.Join(monthNames, "|") + `)`
	timeOfDay  = `([0-9]{2}):([0-9]{2}):([0-9]{2})`
	imfFixdate = regexp.MustCompile(`^(?:sun|mon|tue|wed|thu|fri|sat), ([0-9]{2}) ` + anyMonth +
		` ([0-9]{4}) ` + timeOfDay + ` gmt$`)
	rfc850Date = regexp.MustCompile(`^(sun|mon|tues|wednes|thurs|fri|satur)day, ([0-9]{2})-` +
		anyMonth + `-([0-9]{2}) ` + timeOfDay + ` gmt$`)
	asctime = regexp.MustCompile(`^(?:sun|mon|tue|wed|thu|fri|sat) ` + anyMonth +
		` ([0-9 ][0-9]) ` + timeOfDay + ` ([0-9]{4})$`)
)

// readDate returns seconds since 1970.
func readDate(value string, received time.Time) (seconds *big.Int, ok bool) {
	value = lowerCase(value)
	if m := imfFixdate.FindStringSubmatch(value); m != nil {
		return secondsOf(number(m[3]), m[2], m[1], m[4:7])
	}
	if m := asctime.FindStringSubmatch(value); m != nil {
		return secondsOf(number(m[6]), m[1], m[2], m[3:6])
	}
	m := rfc850Date.FindStringSubmatch(value)
	if m == nil {
		return nil, false
	}
	// "MUST interpret a timestamp that appears to be more than 50 years in the future as
	// representing the most recent year in the past that had the same last two digits."
	in50Years := whole(received.AddDate(50, 0, 0).Unix())
	for year := received.Year() + 51; ; year-- {
		if year%100 != number(m[4]) {
			continue
		}
		if seconds, ok = secondsOf(year, m[3], m[2], m[5:8]); ok && exceeds(seconds, in50Years) {
			continue
		}
		// The package goes by the day of the week where it fits only the century before.
		before, _ := secondsOf(year-100, m[3], m[2], m[5:8])
		if ok && before != nil && weekday(seconds) != m[1] && weekday(before) == m[1] {
			return before, true
		}
		return seconds, ok
	}
}

// weekday is the beginning of the name of a day.
func weekday(seconds *big.Int) string {
	const week = 7 * 24 * 60 * 60
	since := (seconds.Int64()%week + week) % week // a Thursday's beginning, as 1970 began with one
	return []string{"thurs", "fri", "satur", "sun", "mon", "tues", "wednes"}[since/(24*60*60)]
}

func secondsOf(year int, monthName, dayOfMonth string, clock []string) (seconds *big.Int, ok bool) {
	leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
	lengths := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if leap {
		lengths[1] = 29
	}
	month := slices.Index(monthNames, monthName)
	day, hour, minute, second := number(dayOfMonth), number(clock[0]), number(clock[1]),
		number(clock[2])
	if day < 1 || day > lengths[month] || hour > 23 || minute > 59 || second > 60 { // a leap second
		return nil, false
	}
	// before that year, since year 0, which is a leap year
	days := 365*year + (year+3)/4 - (year+99)/100 + (year+399)/400
	for _, length := range lengths[:month] {
		days += length
	}
	days += day - 1
	const before1970 = 719528
	n := int64(days-before1970)*24*60*60 + int64(hour*60*60+minute*60+second)
	return whole(n), true
}

func number(digits string) int {
	n, err := strconv.Atoi(strings.TrimLeft(digits, " "))
	if err != nil {
		panic(err)
	}
	return n
}
