package httpcache

import (
	"net/http"
	"strings"
	"time"
)

// The formats of an HTTP-date (RFC 9110 §5.6.7).
const (
	imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850Date = "Monday, 02-Jan-06 15:04:05 GMT"
	asctime    = "Mon Jan _2 15:04:05 2006"

	asctimeZero = "Mon Jan 02 15:04:05 2006" // the same: "month SP ( 2DIGIT / ( SP 1DIGIT ))"
)

// parseDate reads an HTTP-date in any of its three formats, to the letter but for its case, which
// doesn't matter (RFC 9111 §4.2). A date in another zone than GMT, even in UTC, isn't one: §4.2 has
// a cache take it for invalid, and a condition that compares it must be ignored (RFC 9110 §13.1.3).
// A date with the wrong day of the week is read all the same. The year of the second format has two
// digits: a date more than 50 years after reference is one of the century before, and so is one
// whose day of the week fits only there. Without a reference the years from 69 on are those of the
// 20th century.
func parseDate(value string, reference time.Time) (time.Time, bool) {
	if len(value) < len(asctime) { // the shortest; most often there is no date at all
		return time.Time{}, false
	}
	day, _, _ := strings.Cut(value, " ")
	day, comma := strings.CutSuffix(day, ",")
	layout := asctime // has no comma
	switch {
	case comma && len(day) == 3:
		layout = imfFixdate
	case comma:
		layout = rfc850Date
	}
	t, ok := parseAs(layout, value)
	if !ok && layout == asctime {
		t, ok = parseAs(asctimeZero, value)
	}
	if ok && layout == rfc850Date && !reference.IsZero() {
		t = century(t, reference, day)
	}
	return t, ok
}

// parseAs reads a date in that layout.
func parseAs(layout, value string) (time.Time, bool) {
	leap := time.Duration(0)
	// A leap second.
	if i := strings.LastIndexByte(value, ':'); i >= 0 && strings.HasPrefix(value[i:], ":60") {
		value, leap = value[:i]+":59"+value[i+3:], time.Second
	}
	t, err := time.Parse(layout, value)
	// time.Parse takes names in any case, but not the zone.
	if zone := len(value) - len("GMT"); err != nil {
		t, err = time.Parse(layout, value[:zone]+strings.ToUpper(value[zone:]))
	}
	// It also takes fewer digits and more spaces. The day of the week may be a wrong one.
	_, layout, _ = strings.Cut(layout, " ")
	_, rest, _ := strings.Cut(value, " ")
	var room [32]byte
	if err != nil || !equalFold(string(t.AppendFormat(room[:0], layout)), rest) {
		return time.Time{}, false
	}
	return t.Add(leap), true
}

// century brings a date on that day of the week, whose year had two digits, into its century (RFC
// 9110 §5.6.7).
func century(t, reference time.Time, day string) time.Time {
	latest := reference.AddDate(50, 0, 0)
	t = t.AddDate(latest.Year()/100*100-t.Year()/100*100, 0, 0)
	if t.After(latest) {
		t = t.AddDate(-100, 0, 0)
	}
	before := t.AddDate(-100, 0, 0)
	if !equalFold(day, t.Weekday().String()) && equalFold(day, before.Weekday().String()) {
		return before
	}
	return t
}

// httpDate reads a field whose value is an HTTP-date, in any of its formats. The reference is
// parseDate's.
func httpDate(h http.Header, name string, reference time.Time) (time.Time, bool) {
	return parseDate(first(h, name), reference)
}
