package httpcache_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// The draft is draft-ietf-httpbis-no-vary-search-10.
func TestParseQueryVariation_Draft5_2(t *testing.T) {
	tests := []struct {
		lines []string
		want  string // of String; empty if the default is to be returned
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"key-order"}, "key-order"},
		{[]string{`params=("a")`}, `params=("a")`},
		{[]string{`except=("x")`}, `except=("x")`},
		{[]string{"except=()"}, "except=()"},
		{[]string{`params=("a" "b"), key-order`}, `key-order, params=("a" "b")`},
		{[]string{`except=("x")`, "key-order"}, `key-order, except=("x")`},
		{[]string{"key-order=?1"}, "key-order"},
		{[]string{`params=("b" "a" "b")`}, `params=("a" "b")`},
		{[]string{`params=("b";x "a";y);z, key-order;w`}, `key-order, params=("a" "b")`},
		{[]string{`params=("%61" "a")`}, `params=("a")`},
		{[]string{`params=("%C3%A9+%E6%B0%97")`}, `params=("%C3%A9%20%E6%B0%97")`},
		{[]string{`params=("a+b" "a%2Bb" "a b")`}, `params=("a%20b" "a%2Bb")`},
		{[]string{`params=("%" "%4" "%zz" "\"\\")`}, `params=("%22%5C" "%25" "%254" "%25zz")`},
		{[]string{`params=("%ff" "%FE")`}, `params=("%EF%BF%BD")`},
		{[]string{`params=("")`}, `params=("")`},
		{[]string{`key-order=?0, params=("a")`}, `params=("a")`},
		{[]string{`unknown=1, params=("a")`}, `params=("a")`},
		{[]string{`params=("a"), params=("b")`}, `params=("b")`},

		{[]string{"unknown-key"}, ""},
		{[]string{"params=()"}, ""},
		{[]string{"key-order=?0"}, ""},
		{[]string{"key-order=?0, params=()"}, ""},
		{[]string{`key-order="not a boolean"`}, ""},
		{[]string{"key-order=1"}, ""},
		{[]string{"key-order=()"}, ""},
		{[]string{`key-order=token, params=("a")`}, ""},
		{[]string{`params="not an inner list"`}, ""},
		{[]string{"params=(not-a-string)"}, ""},
		{[]string{`params=("a" b)`}, ""},
		{[]string{"params=?0"}, ""},
		{[]string{"params"}, "except=()"},
		{[]string{`key-order, params`}, "key-order, except=()"},
		{[]string{`params, except=("x")`}, `except=("x")`},
		{[]string{`params, key-order, except=("x")`}, `key-order, except=("x")`},
		{[]string{`params=?0, except=("x")`}, ""},
		{[]string{`params=("a"), except=("x")`}, ""},
		{[]string{"params=(), except=()"}, ""},
		{[]string{`except="not an inner list"`}, ""},
		{[]string{"except=(not-a-string)"}, ""},
		{[]string{"except"}, ""},
		{[]string{"Key-Order"}, ""},
		{[]string{`params=("a"`}, ""},
		{[]string{"key-order,"}, ""},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			s, ok := httpcache.ParseQueryVariation(http.Header{"No-Vary-Search": tt.lines})
			if s.String() != tt.want || ok != (tt.want != "") || ok == (s.String() == "") {
				t.Errorf("got %q, %v", s, ok)
			}
			if again, _ := httpcache.ParseQueryVariation(head("No-Vary-Search: " +
				s.String())); again.String() != s.String() {
				t.Errorf("%q became %q", s, again)
			}
		})
	}
}

func TestQueryVariation_Canonical(t *testing.T) {
	tests := []struct {
		field string
		a, b  string
		same  bool
	}{
		// the examples of §6.1
		{"key-order", "a=x", "%61=%78", true},
		{"key-order", "a=é", "a=%C3%A9", true},
		{"key-order", "a=%f6", "a=%ef%bf%bd", true},
		{"key-order", "a=x&&&&", "a=x", true},
		{"key-order", "a=", "a", true},
		{"key-order", "a=%20", "a= &", true},
		{"key-order", "a=+", "a= &", true},
		{"key-order", "a=%C3%A9", "a=e%CC%81", false},
		{`params=("%C3%A9+%E6%B0%97")`, "é 気=1", "é+気=2", true},
		{`params=("%C3%A9+%E6%B0%97")`, "%C3%A9%20気=3", "%C3%A9+%E6%B0%97=4", true},

		// by default nothing is equal but what is the same
		{"", "a=x&&", "a=x", false},
		{"", "a=%78", "a=x", false},
		{"", "a=x", "a=x", true},

		{"key-order", "a=1&b=2", "b=2&a=1", true},
		{"key-order", "a=1&a=2", "a=2&a=1", false},
		{"key-order", "a=1&b=3&a=2", "b=3&a=1&a=2", true},
		{"key-order", "a=1&b=3&a=2", "b=3&a=2&a=1", false},
		{"key-order", "a=1&b=2", "a=1&b=2&c", false},
		{"key-order", "ab=1&a=2", "a=2&ab=1", true},
		{"key-order", "\xf0\x9f\x98\x80=1&\xef\xbf\xbd=2", "%EF%BF%BD=2&%F0%9F%98%80=1", true},

		{`params=("a")`, "a=1&b=2", "b=2&a=3&a", true},
		{`params=("a")`, "a", "", true},
		{`params=("a")`, "A=1", "", false},
		{`params=("a")`, "%61=1&b", "b", true},
		{`params=("a")`, "b=1&c=2", "c=2&b=1", false},
		{`params=("a"), key-order`, "b=1&a=5&c=2", "c=2&b=1", true},
		{`params=("")`, "=1&b", "b", true},
		{`params=("")`, "&b", "b", true},
		{`params=("a")`, "=", "", false},
		{`params=("a" "c" "e")`, "a&b&c&d&e", "b&d", true},

		{`except=("id")`, "id=1&utm=2", "utm=3&id=1", true},
		{`except=("id")`, "id=1", "id=2", false},
		{`except=("id")`, "id=1&id=2", "id=2&id=1", false},
		{`except=("a" "b")`, "a=1&b=2", "b=2&a=1", false},
		{`except=("a" "b"), key-order`, "a=1&b=2", "b=2&x&a=1", true},
		{"except=()", "a=1&b=2", "", true},
		{`except=("%ff")`, "%FE=1", "", false},

		// what separates can't be forged
		{"key-order", "a=1%26b=2", "a=1&b=2", false},
		{"key-order", "a%3D1=", "a=1", false},
		{"key-order", "a==", "a=%3D", true},
		{"key-order", "a=1%2B1", "a=1+1", false},
		{"key-order", "a=%2541", "a=A", false},
		{"key-order", "a=%2541", "a=%41", false},
		{"key-order", "a=%4", "a=%254", true},
		{"key-order", "a=%g1", "a=%25g1", true},
		{"key-order", "a=%", "a=%25", true},
		{"key-order", "a=1;b=2", "a=1&b=2", false},

		// ill-formed UTF-8, by the letter of the Encoding standard
		{"key-order", "a=%ff", "a=%fe", true},
		{"key-order", "a=%ff%ff", "a=%ff", false},
		{"key-order", "a=%F0%80%80", "a=%EF%BF%BD%EF%BF%BD%EF%BF%BD", true},
		{"key-order", "a=%E2%82", "a=%EF%BF%BD", true},
		{"key-order", "a=%F0%90%80b", "a=%EF%BF%BDb", true},
		{"key-order", "a=%ED%A0%80", "a=%ff%ff%ff", true},
		{"key-order", "a=%F4%90", "a=%ff%ff", true},
		{"key-order", "a=%E0%9F", "a=%ff%ff", true},
		{"key-order", "a=%C0%80", "a=%ff%ff", true},
		{"key-order", "a=%C3%28", "a=%ff(", true},
		{"key-order", "a=%EF%BB%BFx", "a=x", false}, // "without BOM" keeps it
		{"key-order", "a=%00", "a=", false},
	}
	for _, tt := range tests {
		s, _ := httpcache.ParseQueryVariation(head("No-Vary-Search: " + tt.field))
		a, b := s.Canonical(tt.a), s.Canonical(tt.b)
		if (a == b) != tt.same {
			t.Errorf("%s: %s and %s became %s and %s", tt.field, tt.a, tt.b, a, b)
		}
		if again := s.Canonical(a); again != a {
			t.Errorf("%s: %s became %s", tt.field, a, again)
		}
	}
}

// More parameters than there is room for without allocating.
func TestQueryVariation_ManyParameters(t *testing.T) {
	s, _ := httpcache.ParseQueryVariation(head("No-Vary-Search: key-order"))
	var pairs []string
	for c := 'a'; c <= 'z'; c++ {
		pairs = append(pairs, string(c)+"=1", string(c)+"=2")
	}
	want := strings.Join(pairs, "&")
	slices.SortStableFunc(pairs, func(a, b string) int { return strings.Compare(b[:1], a[:1]) })
	if got := s.Canonical(strings.Join(pairs, "&")); got != want {
		t.Errorf("got %s", got)
	}
}

func FuzzQueryVariation(f *testing.F) {
	f.Add("", false, true, "a=1&b=2", "b=2&%61=1")
	f.Add("a b", false, false, "a=1&b=2&c", "c=")
	f.Add("a %ff", true, false, "%fe=1&a=%f0%90%80x", "a=%ff")
	f.Add("a+b", true, true, "a b=+&&&=x=y&a=%2541", "a%20b=%20")
	f.Add("", false, true, "\xf0\x9f\x98\x80=1&\xef\xbf\xbd=2", "\xed\xa0\x80&\xf4\x90\x80\x80\xe0")
	f.Fuzz(func(t *testing.T, names string, except, anyOrder bool, a, b string) {
		keys := strings.Fields(names)
		var field []string
		if len(keys) > 0 || except {
			key := "params"
			if except {
				key = "except"
			}
			quoted := ""
			for _, name := range keys {
				quoted += ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
			}
			field = append(field, key+"=("+quoted+" )")
		}
		if anyOrder {
			field = append(field, "key-order")
		}
		s, ok := httpcache.ParseQueryVariation(http.Header{"No-Vary-Search": field})
		if !ok {
			if s.String() != "" || s.Canonical(a) != a {
				t.Errorf("%q is invalid, but %q", field, s)
			}
			return
		}
		if again, _ := httpcache.ParseQueryVariation(head("No-Vary-Search: " +
			s.String())); again.String() != s.String() {
			t.Errorf("%q became %q", s, again)
		}
		reversed := strings.Split(a, "&")
		slices.Reverse(reversed)
		queries := []string{a, b, a + "&" + b, b + "&" + a, strings.Join(reversed, "&"), "&" + a,
			s.Canonical(a)}
		for _, one := range queries {
			for _, two := range queries {
				want := equivalent(keys, except, anyOrder, one, two)
				if got := s.Canonical(one) == s.Canonical(two); got != want {
					t.Errorf("%q: %q and %q: %v, want %v", s, one, two, got, want)
				}
			}
		}
	})
}

// equivalent is §6 of the draft, step by step.
func equivalent(keys []string, except, anyOrder bool, a, b string) bool {
	listed := map[string]bool{}
	for _, key := range keys {
		listed[formDecoded(key)] = true
	}
	relevant := func(query string) (pairs [][2]string) {
		for pair := range strings.SplitSeq(query, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			if name = formDecoded(name); listed[name] == except {
				pairs = append(pairs, [2]string{name, formDecoded(value)})
			}
		}
		if anyOrder {
			slices.SortStableFunc(pairs, func(p, q [2]string) int {
				return slices.Compare(utf16.Encode([]rune(p[0])), utf16.Encode([]rune(q[0])))
			})
		}
		return pairs
	}
	return slices.Equal(relevant(a), relevant(b))
}

// formDecoded decodes a component as the WHATWG standards do: URL §5.1, then Encoding §8.1.1 with
// its state.
func formDecoded(s string) string {
	var raw []byte
	for s = strings.ReplaceAll(s, "+", " "); s != ""; s = s[1:] {
		if s[0] == '%' && len(s) > 2 {
			const digits = "0123456789abcdef"
			high := strings.IndexByte(digits, s[1]|0x20)
			low := strings.IndexByte(digits, s[2]|0x20)
			if hex := "0123456789abcdefABCDEF"; strings.IndexByte(hex, s[1]) >= 0 &&
				strings.IndexByte(hex, s[2]) >= 0 {
				raw = append(raw, byte(high*16+low))
				s = s[2:]
				continue
			}
		}
		raw = append(raw, s[0])
	}
	var out []rune
	var point rune
	needed, lower, upper := 0, byte(0x80), byte(0xBF)
	for i := 0; i < len(raw); {
		c := raw[i]
		if needed > 0 {
			if c < lower || c > upper { // the byte is looked at again
				out = append(out, 0xFFFD)
				needed, lower, upper = 0, 0x80, 0xBF
				continue
			}
			lower, upper = 0x80, 0xBF
			point = point<<6 | rune(c&0x3F)
			if needed--; needed == 0 {
				out = append(out, point)
			}
			i++
			continue
		}
		switch {
		case c < 0x80:
			out = append(out, rune(c))
		case c >= 0xC2 && c <= 0xDF:
			needed, point = 1, rune(c&0x1F)
		case c >= 0xE0 && c <= 0xEF:
			needed, point = 2, rune(c&0xF)
			switch c {
			case 0xE0:
				lower = 0xA0
			case 0xED:
				upper = 0x9F
			}
		case c >= 0xF0 && c <= 0xF4:
			needed, point = 3, rune(c&7)
			switch c {
			case 0xF0:
				lower = 0x90
			case 0xF4:
				upper = 0x8F
			}
		default:
			out = append(out, 0xFFFD)
		}
		i++
	}
	if needed > 0 {
		out = append(out, 0xFFFD)
	}
	return string(out)
}

func BenchmarkQueryVariationCanonical(b *testing.B) {
	s, _ := httpcache.ParseQueryVariation(head(`No-Vary-Search: key-order, params=("utm_source" "utm_medium")`))
	b.ReportAllocs()
	for b.Loop() {
		s.Canonical("q=a+b&utm_source=x&page=2&utm_medium=y&lang=de")
	}
}
