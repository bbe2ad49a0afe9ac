package httpcache_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestParseTargeted_RFC9213_2_1(t *testing.T) {
	tests := []struct {
		lines []string
		ok    bool
		has   string
		hasnt string
	}{
		{nil, false, "", ""},
		{[]string{""}, false, "", "no-store"},
		{[]string{"  "}, false, "", ""},
		{[]string{"none"}, true, "", "max-age no-store private"},
		{[]string{"no-store"}, true, "no-store", "private max-age"},
		{[]string{"no-store=?1"}, true, "no-store", ""},
		{[]string{"no-store=?0"}, true, "", "no-store"},
		{[]string{"no-store, no-store=?0"}, true, "", "no-store"},
		{[]string{"no-store=?0, no-store"}, true, "no-store", ""},
		{[]string{"no-store;foo=1;bar"}, true, "no-store", ""},
		{[]string{"no-store=1"}, true, "no-store", ""},
		{[]string{`no-cache="set-cookie, x"`}, true, "no-cache", ""},
		{[]string{`private=("a" "b")`}, true, "private", ""},
		{[]string{"private=()"}, true, "private", ""},
		{[]string{"private=?0, no-cache=?0"}, true, "", "private no-cache"},
		{[]string{"public, must-revalidate, proxy-revalidate, must-understand"}, true,
			"public must-revalidate proxy-revalidate must-understand", "private"},
		{[]string{"max-age=1", "no-store"}, true, "max-age no-store", ""},
		{[]string{"unknown=(1 2 3);a=b, x=:YQ==:, no-store"}, true, "no-store", "unknown x"},

		{[]string{"Max-Age=1"}, false, "", "max-age"},
		{[]string{"max-age=1, No-Store"}, false, "", "max-age no-store"},
		{[]string{"max-age=1,"}, false, "", "max-age"},
		{[]string{"max-age=1,, no-store"}, false, "", "max-age no-store"},
		{[]string{"max-age=1", ""}, false, "", "max-age"},
		{[]string{"max-age =1"}, false, "", "max-age"},
		{[]string{"max-age= 1"}, false, "", "max-age"},
		{[]string{"max-age=1, &&&"}, false, "", "max-age"},
		{[]string{`max-age=1, private="a`}, false, "", "max-age private"},
		// more than an Integer's 15 digits
		{[]string{"max-age=1000000000000000"}, false, "", "max-age"},
		{[]string{"max-age=1.2345"}, false, "", "max-age"}, // more than a Decimal's 3
		{[]string{"max-age=1;Q=1"}, false, "", "max-age"},
		{[]string{"max-age=1s"}, false, "", "max-age"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			d, ok := httpcache.ParseTargeted(tt.lines)
			if ok != tt.ok {
				t.Errorf("ok is %v", ok)
			}
			if !ok && d != (httpcache.Directives{}) {
				t.Errorf("not empty: %+v", d)
			}
			for name := range strings.FieldsSeq(tt.has) {
				if !d.Has(name) {
					t.Errorf("hasn't %s", name)
				}
			}
			for name := range strings.FieldsSeq(tt.hasnt) {
				if d.Has(name) {
					t.Errorf("has %s", name)
				}
			}
		})
	}
}

func TestParseTargeted_Seconds(t *testing.T) {
	const invalid = -1 // present, but not to be relied upon
	tests := []struct {
		field string
		want  time.Duration
	}{
		{"max-age=0", 0},
		{"max-age=60", 60},
		{"max-age=60;x=1", 60},
		{"max-age=0060", 60},
		{"max-age=-0", 0},
		{"max-age=10, max-age=60", 60},
		{`max-age="10", max-age=60`, 60},
		{`max-age=10, max-age="60"`, invalid},
		{"max-age=2147483648", 1 << 31},
		{"max-age=2147483649", 1 << 31},
		{"max-age=999999999999999", 1 << 31},
		{"max-age=60, no-store=?0", 60},
		{`max-age=60, private="a"`, 60},
		{"max-age=60, unknown=token", 60},
		{"max-age=60, s-maxage=x", 60},

		{"max-age", invalid},
		{"max-age=?0", invalid},
		{"max-age=-1", invalid},
		{"max-age=60.0", invalid},
		{`max-age="60"`, invalid},
		{"max-age=sixty", invalid},
		{"max-age=:NjA=:", invalid},
		{"max-age=@60", invalid},
		{`max-age=%"60"`, invalid},
		{"max-age=(60)", invalid},
		{"max-age=()", invalid},
		{"max-age=60, must-revalidate=1", invalid},
		{`max-age=60, public="yes"`, invalid},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			d, ok := httpcache.ParseTargeted([]string{tt.field})
			seconds, present, valid := d.Seconds("max-age")
			if !ok || !present {
				t.Fatalf("ok %v, present %v", ok, present)
			}
			if want := max(tt.want, 0) * time.Second; seconds != want ||
				valid != (tt.want != invalid) {
				t.Errorf("got %v, %v", seconds, valid)
			}
		})
	}
}

// Every directive that has seconds in Cache-Control has the same in a targeted field.
func TestParseTargeted_AsCacheControl(t *testing.T) {
	const field = "max-age=1, s-maxage=2, min-fresh=3, max-stale=4, stale-while-revalidate=5, " +
		"stale-if-error=6, " +
		"no-store, no-cache, private, public, must-revalidate, proxy-revalidate, " +
		"must-understand, only-if-cached"
	d, ok := httpcache.ParseTargeted([]string{field})
	if want := httpcache.ParseDirectives(head("Cache-Control: " + field)); !ok || d != want {
		t.Errorf("got %+v\nwant %+v", d, want)
	}
}

func TestParseTargeted_Absent(t *testing.T) {
	h := http.Header{}
	noAllocations(t, func() { httpcache.ParseTargeted(h["Cdn-Cache-Control"]) })
}

// An invalid field yields nothing, lines are as good as commas, and seconds come only from a member
// of that name.
func FuzzParseTargeted(f *testing.F) {
	f.Add("max-age=60, no-store", "private")
	f.Add(`max-age="60";a=b`, "")
	f.Add("Max-Age=1", "s-maxage=?0")
	f.Add("max-age=60, max-age=(1 2)", "public=1.5, *=@1")
	f.Fuzz(func(t *testing.T, one, two string) {
		lines := []string{one, two}
		d, ok := httpcache.ParseTargeted(lines)
		if !ok && d != (httpcache.Directives{}) {
			t.Fatalf("invalid, but %+v", d)
		}
		if again, _ := httpcache.ParseTargeted([]string{one + ", " + two}); ok && again != d {
			t.Errorf("one line: %+v\ntwo lines: %+v", again, d)
		}
		for _, name := range []string{"max-age", "s-maxage"} {
			seconds, present, valid := d.Seconds(name)
			if valid && !present || !valid && seconds != 0 || seconds < 0 {
				t.Errorf("%s: %v, %v, %v", name, seconds, present, valid)
			}
			if seconds > 0 && !strings.Contains(one+", "+two, name+"=") {
				t.Errorf("%s from nowhere: %v", name, seconds)
			}
		}
	})
}
