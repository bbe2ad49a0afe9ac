package httpcache

import (
	"net/http"
	"strings"
	"time"
)

// The formats of an HTTP-date, after its day of the week (RFC 9110 §5.6.7).
const (
	imfFixdate = "02 Jan 2006 15:04:05 GMT"
	rfc850Date = "02-Jan-06 15:04:05 GMT"
	asctime    = "Jan _2 15:04:05 2006"

	asctimeZero = "Jan 02 15:04:05 2006" // the same: "month SP ( 2DIGIT / ( SP 1DIGIT ))"
)

// parseDate reads an HTTP-date in any of its three formats, to the letter but for its case, which
// doesn't matter (RFC 9111 §4.2). A date in another zone than GMT, even in UTC, isn't one: §4.2 has
// a cache take it for invalid, and a condition that compares it must be ignored (RFC 9110 §13.1.3).
// The year of the second format has two digits: a date more than 50 years after reference is one of
// the century before, and so is one whose day of the week fits only there. Without a reference the
// years from 69 on are those of the 20th century.
func parseDate(value string, reference time.Time) (time.Time, bool) {
	day, rest, _ := strings.Cut(value, " ")
	day, comma := strings.CutSuffix(day, ",")
	layout := asctime // has no comma
	switch {
	case comma && len(day) == 3:
		layout = imfFixdate
	case comma:
		layout = rfc850Date
	}
	// A date with the wrong day of the week is read all the same.
	weekday, ok := dayOfWeek(day, layout == rfc850Date)
	if !ok {
		return time.Time{}, false
	}
	t, ok := parseRest(layout, rest)
	if !ok && layout == asctime {
		t, ok = parseRest(asctimeZero, rest)
	}
	if ok && layout == rfc850Date && !reference.IsZero() {
		t = century(t, reference, weekday)
	}
	return t, ok
}

// parseRest reads what comes after the day of the week.
func parseRest(layout, rest string) (time.Time, bool) {
	leap := time.Duration(0)
	// A leap second.
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && strings.HasPrefix(rest[i:], ":60") {
		rest, leap = rest[:i]+":59"+rest[i+3:], time.Second
	}
	t, err := time.Parse(layout, rest)
	if err != nil { // time.Parse takes names in any case, but not the zone
		t, err = time.Parse(layout, strings.ToUpper(rest))
	}
	var room [32]byte
	// time.Parse takes fewer digits and more spaces, too.
	if err != nil || !equalFold(string(t.AppendFormat(room[:0], layout)), rest) {
		return time.Time{}, false
	}
	return t.Add(leap), true
}

// century brings a date whose year had two digits into its century (RFC 9110 §5.6.7).
func century(t, reference time.Time, weekday time.Weekday) time.Time {
	latest := reference.AddDate(50, 0, 0)
	t = t.AddDate(latest.Year()/100*100-t.Year()/100*100, 0, 0)
	if t.After(latest) {
		t = t.AddDate(-100, 0, 0)
	}
	if before := t.AddDate(-100, 0, 0); t.Weekday() != weekday && before.Weekday() == weekday {
		return before
	}
	return t
}

// dayOfWeek reads the name of a day, written out if long, else in three letters.
func dayOfWeek(s string, long bool) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := d.String()
		if !long {
			name = name[:3]
		}
		if equalFold(s, name) {
			return d, true
		}
	}
	return 0, false
}

// httpDate reads a field whose value is an HTTP-date, in any of its formats. The reference is
// parseDate's.
func httpDate(h http.Header, name string, reference time.Time) (time.Time, bool) {
	return parseDate(first(h, name), reference)
}
