package httpcache

import (
	"net/http"
	"strings"
	"time"
)

const rfc850Date = "Monday, 02-Jan-06 15:04:05"

// dateLayouts are the formats of an HTTP-date (RFC 9110 §5.6.7) without " GMT", by the shape of
// what follows the day of the week. time.Parse alone would take fewer digits and more spaces, too.
var dateLayouts = map[string]string{
	"00 aaa 0000 00:00:00 aaa": "Mon, 02 Jan 2006 15:04:05",
	"00-aaa-00 00:00:00 aaa":   rfc850Date,
	"aaa 00 00:00:00 0000":     "Mon Jan _2 15:04:05 2006",
	"aaa  0 00:00:00 0000":     "Mon Jan _2 15:04:05 2006",
}

// parseDate reads an HTTP-date in any of its three formats, to the letter but for its case, which
// doesn't matter (RFC 9111 §4.2). A date in another zone than GMT, even in UTC, isn't one: §4.2 has
// a cache take it for invalid, and a condition that compares it must be ignored (RFC 9110 §13.1.3).
// A date with the wrong day of the week is read all the same. The year of the second format has two
// digits: a date more than 50 years after reference is one of the century before, and so is one
// whose day of the week fits only there. Without a reference the years from 69 on are those of the
// 20th century.
func parseDate(value string, reference time.Time) (time.Time, bool) {
	var room [32]byte
	day, rest, _ := strings.Cut(value, " ")
	layout := dateLayouts[string(appendShape(room[:0], rest))]
	if layout == "" {
		return time.Time{}, false
	}
	if zone := len(value) - len(" GMT"); value[zone] == ' ' {
		if !equalFold(value[zone:], " GMT") {
			return time.Time{}, false
		}
		value = value[:zone]
	}
	leap := time.Duration(0)
	if i := strings.LastIndexByte(value, ':'); value[i:i+3] == ":60" { // a leap second
		value, leap = value[:i]+":59"+value[i+3:], time.Second
	}
	t, err := time.Parse(layout, value)
	if t = t.Add(leap); layout == rfc850Date && !reference.IsZero() {
		t = century(t, reference, strings.TrimSuffix(day, ","))
	}
	return t, err == nil
}

// appendShape appends s with '0' for each digit and 'a' for each letter, if it may be as long as a
// date.
func appendShape(dst []byte, s string) []byte {
	for i := 0; i < len(s) && len(s) < cap(dst); i++ {
		c := lower(s[i])
		switch {
		case '0' <= c && c <= '9':
			c = '0'
		case 'a' <= c && c <= 'z':
			c = 'a'
		}
		dst = append(dst, c)
	}
	return dst
}

// century brings a date on that day of the week, whose year had two digits, into its century (RFC
// 9110 §5.6.7).
func century(t, reference time.Time, day string) time.Time {
	latest := reference.AddDate(50, 0, 0)
	t = t.AddDate((latest.Year()/100-t.Year()/100)*100, 0, 0)
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
