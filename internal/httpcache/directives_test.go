package httpcache_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestDirectives_RFC9111_5_2(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		has   string // space-separated
		hasnt string
	}{
		{"none", nil, "", "no-store max-age"},
		{"empty", []string{""}, "", "no-store"},
		{"commas only", []string{",, ,"}, "", "no-store"},
		{"one", []string{"no-store"}, "no-store", "no-cache"},
		{"list", []string{"no-cache, private,public"}, "no-cache private public", "no-store"},
		{"several lines", []string{"no-cache", "private"}, "no-cache private", "public"},
		{"empty members", []string{", no-cache ,,private ,"}, "no-cache private", "public"},
		{"tabs", []string{"\tno-cache\t,\tprivate"}, "no-cache private", ""},
		{"capitals", []string{"No-Store, MAX-AGE=1"}, "no-store max-age", ""},
		{"with a value", []string{`private="set-cookie, x-a", no-cache=x`}, "private no-cache", ""},
		{"comma in a quoted-string", []string{`ext="a, no-store, b", public`}, "public",
			"no-store"},
		{"escaped quote", []string{`ext="a\", no-store, b", public`}, "public", "no-store"},
		{"escaped backslash", []string{`ext="a\\", no-store`}, "no-store", ""},
		{"unknown", []string{"immutable, community=UCI, no-storex"}, "", "immutable no-store"},
		{"unbalanced quote hides nothing", []string{`ext="a, no-store`, `b="c, private`},
			"no-store private", ""},
		{"quote that begins no value", []string{`a"b, no-store, c"d`}, "no-store", ""},
		{"quoted name", []string{`"no-store"`}, "", "no-store"},
		{"space before equals", []string{`private ="x, no-store"`}, "private", "no-store"},
		{"ends with equals", []string{"private="}, "private", ""},
		{"request", []string{"only-if-cached, max-stale"}, "only-if-cached max-stale", "min-fresh"},
		{"other Unicode that folds to ASCII", []string{"no-\u017ftore"}, "", "no-store"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := httpcache.ParseDirectives(http.Header{"Cache-Control": tt.lines})
			for _, name := range strings.Fields(tt.has) {
				if !d.Has(name) || !d.Has(strings.ToUpper(name)) {
					t.Errorf("has no %s", name)
				}
			}
			for _, name := range strings.Fields(tt.hasnt) {
				if d.Has(name) {
					t.Errorf("has %s", name)
				}
			}
		})
	}
}

func TestDirectivesSeconds_RFC9111_1_2_2(t *testing.T) {
	const clamped = 1 << 31
	tests := []struct {
		lines   []string
		seconds int64
		present bool
		valid   bool
	}{
		{nil, 0, false, false},
		{[]string{"max-agee=1"}, 0, false, false},
		{[]string{"max-age=0"}, 0, true, true},
		{[]string{"max-age=60"}, 60, true, true},
		{[]string{"max-age=0060"}, 60, true, true},
		{[]string{"Max-Age = 60 , public"}, 60, true, true},
		{[]string{`max-age="60"`}, 60, true, true},
		{[]string{"max-age=2147483647"}, clamped - 1, true, true},
		{[]string{"max-age=2147483648"}, clamped, true, true},
		{[]string{"max-age=2147483649"}, clamped, true, true},
		{[]string{"max-age=" + strings.Repeat("9", 100)}, clamped, true, true},
		{[]string{"max-age=" + strings.Repeat("0", 100) + "7"}, 7, true, true},
		{[]string{"max-age=60", "max-age=60"}, 60, true, true},
		{[]string{"max-age"}, 0, true, false},
		{[]string{"max-age="}, 0, true, false},
		{[]string{`max-age=""`}, 0, true, false},
		{[]string{`max-age="`}, 0, true, false},
		{[]string{`max-age="60`}, 0, true, false},
		{[]string{`max-age="6\0"`}, 0, true, false},
		{[]string{`max-age="60"x`}, 0, true, false},
		{[]string{"max-age='60'"}, 0, true, false},
		{[]string{"max-age=-1"}, 0, true, false},
		{[]string{"max-age=+1"}, 0, true, false},
		{[]string{"max-age=1.5"}, 0, true, false},
		{[]string{"max-age=1e3"}, 0, true, false},
		{[]string{"max-age=0x10"}, 0, true, false},
		{[]string{"max-age=60 s"}, 0, true, false},
		{[]string{"max-age=60;public"}, 0, true, false},
		{[]string{"max-age==60"}, 0, true, false},
		{[]string{"max-age=\u0661"}, 0, true, false},
		{[]string{"max-age=60, max-age=61"}, 0, true, false},
		{[]string{"max-age=60", "max-age=x"}, 0, true, false},
		{[]string{"max-age=x, max-age=60"}, 0, true, false},
		{[]string{"max-age, max-age=60"}, 0, true, false},
		{[]string{`max-age=60, ext="`}, 0, true, false},
		{[]string{`ext="a, max-age=60`}, 0, true, false},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			d := httpcache.ParseDirectives(http.Header{"Cache-Control": tt.lines})
			seconds, present, valid := d.Seconds("max-age")
			if seconds != time.Duration(tt.seconds)*time.Second || present != tt.present ||
				valid != tt.valid {
				t.Errorf("got %v, present %v, valid %v; want %d s, %v, %v", seconds, present, valid,
					tt.seconds, tt.present, tt.valid)
			}
		})
	}
}

func TestDirectivesSecondsOfAFlag(t *testing.T) {
	d := httpcache.ParseDirectives(head("Cache-Control: no-store=5"))
	if s, present, valid := d.Seconds("no-store"); s != 0 || !present || valid {
		t.Errorf("no-store: got %v, %v, %v", s, present, valid)
	}
	if s, present, valid := d.Seconds("unknown"); s != 0 || present || valid {
		t.Errorf("unknown: got %v, %v, %v", s, present, valid)
	}
}

func TestParseDirectivesAllocatesNothing(t *testing.T) {
	h := head(`Cache-Control: public, max-age=60, private="a, b"`, "Cache-Control: no-cache")
	noAllocations(t, func() {
		if d := httpcache.ParseDirectives(h); !d.Has("no-cache") {
			t.Error("no no-cache")
		}
	})
}

func FuzzParseDirectives(f *testing.F) {
	for _, seed := range []string{"", "no-store", `private="a, b`, `a="\`,
		"max-age=60, max-age = 61", "=,=,\"", `max-age="1`} {
		f.Add(seed, "no-cache")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		h := http.Header{"Cache-Control": {a, b}}
		d := httpcache.ParseDirectives(h)
		for _, name := range []string{"max-age", "s-maxage", "min-fresh", "max-stale"} {
			seconds, present, valid := d.Seconds(name)
			if seconds < 0 || seconds > 1<<31*time.Second || present != d.Has(name) || valid &&
				!present || !valid && seconds != 0 {
				t.Errorf("%s of %q: %v, %v, %v", name, h, seconds, present, valid)
			}
		}
		// Nothing can make a later line's prohibition go unseen.
		h["Cache-Control"] = append(h["Cache-Control"], "no-store")
		if !httpcache.ParseDirectives(h).Has("no-store") {
			t.Errorf("no-store hidden by %q", h)
		}
	})
}

func BenchmarkParseDirectives(b *testing.B) {
	h := head("Cache-Control: public, max-age=31536000, immutable")
	b.ReportAllocs()
	for b.Loop() {
		httpcache.ParseDirectives(h)
	}
}
