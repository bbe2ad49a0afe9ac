package httpcache

import (
	"net/http"
	"testing"
	"time"
)

func TestParseDate_RFC9110_5_6_7(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	reference := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, value := range []string{
		"Sun, 06 Nov 1994 08:49:37 GMT", "sun, 06 nOV 1994 08:49:37 gmt",
		"Mon, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "SUNDAY, 06-NOV-94 08:49:37 Gmt",
		"Sun Nov  6 08:49:37 1994", "SUN nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994",
	} {
		if got, ok := parseDate(value, reference); !ok || !got.Equal(want) {
			t.Errorf("%q: %v, %v", value, got, ok)
		}
	}
	for _, value := range []string{
		"", "0", "-1", " ", "Sun", "Sun,", "Sun, ", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 AEST",
		"Sun, 06 Nov 1994 08:49:37 +0000", "Sun 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994  08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT",
		" Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 08.49.37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37.5 GMT", "Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 UTC",
		"Sunday, 06-Nov-94 08:49:37 EST", "Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994", "Sun Nov 006 08:49:37 1994", "Tueſday, 06-Nov-94 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT", "Sunday Nov  6 08:49:37 1994",
		"1994-11-06T08:49:37Z", "784111777",
	} {
		if got, ok := parseDate(value, reference); ok {
			t.Errorf("%q: %v", value, got)
		}
	}
	for value, year := range map[string]int{"76": 2076, "77": 1977, "26": 2026, "75": 2075,
		"99": 1999, "00": 2000} {
		if got, ok := parseDate("Sunday, 06-Nov-"+value+" 08:49:37 GMT", reference); !ok ||
			got.Year() != year {
			t.Errorf("%s is %v", value, got)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, value := range []string{"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := parseDate(value, time.Time{})
		if !ok {
			return
		}
		// Whatever is accepted is what the standard library takes it for, or differs from that in
		// case only.
		if std, err := http.ParseTime(value); err == nil && !std.Equal(got) {
			t.Errorf("%q: %v and %v", value, got, std)
		}
		if again, ok := parseDate(got.Format(http.TimeFormat), time.Time{}); got.Year() >= 0 &&
			got.Year() < 10000 && (!ok || !again.Equal(got)) {
			t.Errorf("%q: %v, then %v", value, got, again)
		}
	})
}
