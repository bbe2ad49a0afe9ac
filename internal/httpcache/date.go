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
)

// parseDate reads an HTTP-date in any of its three formats, to the letter but for its case, which doesn't matter (RFC 9111
// §4.2). The year of the second format has two digits: a date more than 50 years after reference is one of the century before;
// without a reference the years from 69 on are those of the 20th century.
func parseDate(value string, reference time.Time) (time.Time, bool) {
	day, rest, ok := strings.Cut(value, " ")
	if !ok {
		return time.Time{}, false
	}
	layout := asctime
	short := strings.TrimSuffix(day, ",")
	switch {
	case len(day) == 3: // asctime has no comma
	case len(day) == 4 && short != day:
		layout = imfFixdate
	case short != day:
		layout = rfc850Date
	default:
		return time.Time{}, false
	}
	// That the day isn't that of the date is no reason to take the whole for something else than what it says.
	if !isDay(short, layout == rfc850Date) {
		return time.Time{}, false
	}
	t, err := time.Parse(layout, rest) // which takes names in any case, but not the zone
	if err != nil && strings.HasSuffix(layout, "GMT") && len(rest) > 3 {
		t, err = time.Parse(layout, rest[:len(rest)-3]+strings.ToUpper(rest[len(rest)-3:]))
	}
	if err != nil || !spells(t, layout, rest) { // it takes fewer digits and more spaces, too
		return time.Time{}, false
	}
	if layout == rfc850Date && !reference.IsZero() {
		for t.After(reference.AddDate(50, 0, 0)) {
			t = t.AddDate(-100, 0, 0)
		}
		for !t.AddDate(100, 0, 0).After(reference.AddDate(50, 0, 0)) {
			t = t.AddDate(100, 0, 0)
		}
	}
	return t, true
}

// spells tells whether s is t in that layout, in whatever case.
func spells(t time.Time, layout, s string) bool {
	var buf [32]byte
	b := t.AppendFormat(buf[:0], layout)
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

// isDay tells whether s is a day of the week, written out if long, else in three letters.
func isDay(s string, long bool) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := d.String(); strings.EqualFold(s, name) && long || !long && strings.EqualFold(s, name[:3]) {
			return true
		}
	}
	return false
}

// httpDate reads a field whose value is an HTTP-date, in any of its formats.
func httpDate(h http.Header, name string) (time.Time, bool) {
	value := first(h, name)
	if value == "" {
		return time.Time{}, false
	}
	return parseDate(value, time.Time{})
}
