package httpcache_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestVaryNames_RFC9110_12_5_5(t *testing.T) {
	tests := []struct {
		lines []string
		names string
		star  bool
	}{
		{nil, "", false},
		{[]string{""}, "", false},
		{[]string{" , ,"}, "", false},
		{[]string{"accept-encoding"}, "Accept-Encoding", false},
		{[]string{"Origin,accept , ORIGIN"}, "Accept Origin", false},
		{[]string{"User-Agent", "Accept"}, "Accept User-Agent", false},
		{[]string{"*"}, "", true},
		{[]string{"Accept, *"}, "", true},
		{[]string{"Accept", "Origin,*"}, "", true},
		{[]string{"Accept Encoding"}, "", true},
		{[]string{`"Accept"`}, "", true},
		{[]string{"Accept;Origin"}, "", true},
		{[]string{"*-X"}, "*-X", false},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			names, star := httpcache.VaryNames(http.Header{"Vary": tt.lines})
			if !slices.Equal(names, strings.Fields(tt.names)) || star != tt.star {
				t.Errorf("got %q, %v", names, star)
			}
		})
	}
}

func TestSelecting_RFC9111_4_1(t *testing.T) {
	tests := []struct {
		name string
		a, b http.Header
		same bool
	}{
		{"equal", head("Accept: a"), head("Accept: a"), true},
		{"another value", head("Accept: a"), head("Accept: b"), false},
		{"another case", head("Accept: a"), head("Accept: A"), false},
		{"another order", head("Accept: a,b"), head("Accept: b,a"), false},
		{"fields that don't select", head("Accept: a", "Cookie: 1"), head("Accept: a", "Cookie: 2"),
			true},
		{"both absent", nil, head("Cookie: 2"), true},
		{"absent and empty", head("Origin: x"), head("Origin: x", "Accept:"), false},
		{"absent and no line", nil, http.Header{"Accept": nil}, true},
		{"whitespace around commas", head("Accept: a,b\t,c"), head("Accept: a ,\tb,   c"), true},
		{"whitespace at the ends", head("Accept: a"), http.Header{"Accept": {" a\t"}}, true},
		{"whitespace within a member", head("Accept: a b"), head("Accept: ab"), false},
		{"more whitespace within", head("Accept: a b"), head("Accept: a  b"), false},
		{"several lines", head("Accept: a", "Accept: b, c"), head("Accept: a,b,c"), true},
		{"several lines, another order", head("Accept: a", "Accept: b"), head("Accept: b",
			"Accept: a"), false},
		{"comma in a quoted-string", head(`Accept: x="a, b"`), head(`Accept: x="a,b"`), false},
		{"comma after a quoted-string", head(`Accept: "a" , b`), head(`Accept: "a",b`), true},
		{"escaped quote", head(`Accept: "a\", b"`), head(`Accept: "a\",b"`), false},
		{"value moves to the other field", head("Accept: a"), head("Origin: a"), false},
		{"value that poses as a field", head("Accept: a;Origin=1:b"), head("Accept: a",
			"Origin: b"), false},
		{"value that poses as the end", head("Accept: a;Origin=0:b"), head("Accept: a",
			"Origin: b;Origin"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names := []string{"Accept", "Origin"}
			a, b := httpcache.Selecting(names, tt.a), httpcache.Selecting(names, tt.b)
			if (a == b) != tt.same {
				t.Errorf("%q and %q", a, b)
			}
		})
	}
	if got := httpcache.Selecting(nil, head("Accept: a")); got != "" {
		t.Errorf("without Vary: %q", got)
	}
}

// Without commas, quotes and whitespace there is nothing to normalise: strings are equal only if
// the fields are.
func FuzzSelecting(f *testing.F) {
	f.Add("a", "b", "ab", "")
	f.Add("a;B;", "", "a", "B;")
	f.Add("1:a;B=1:b", "", "a", "b")
	f.Add(`"a, b`, "\\", `"a,b`, `\"`)
	f.Fuzz(func(t *testing.T, a1, b1, a2, b2 string) {
		names := []string{"A", "B"}
		one := httpcache.Selecting(names, http.Header{"A": {a1}, "B": {b1}})
		two := httpcache.Selecting(names, http.Header{"A": {a2}, "B": {b2}})
		if a1 == a2 && b1 == b2 && one != two {
			t.Errorf("%q differs from itself", one)
		}
		if strings.ContainsAny(a1+b1+a2+b2, ", \t\"") {
			return
		}
		if same := a1 == a2 && b1 == b2; (one == two) != same {
			t.Errorf("%q and %q", one, two)
		}
	})
}

func BenchmarkSelecting(b *testing.B) {
	request, names := browser(), []string{"Accept-Encoding", "Origin"}
	b.ReportAllocs()
	for b.Loop() {
		httpcache.Selecting(names, request)
	}
}
