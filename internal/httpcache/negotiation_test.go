package httpcache

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestAppendAcceptEncoding_RFC9110_12_5_3(t *testing.T) {
	tests := []struct {
		lines []string
		want  string
	}{
		{[]string{""}, ""},
		{[]string{" , ,", "\t"}, ""},
		{[]string{"gzip"}, "gzip"},
		{[]string{"gzip, deflate, br"}, "br,deflate,gzip"},
		{[]string{"br", " ,gzip\t,,", "deflate"}, "br,deflate,gzip"},
		{[]string{"GZip"}, "gzip"},
		{[]string{"x-gzip, X-Compress"}, "compress,gzip"},
		{[]string{"x-gzip, gzip;q=1"}, "gzip"},
		{[]string{"gzip;q=1.000, br;Q=1., *;q=1"}, "*,br,gzip"},
		{[]string{"gzip;q=0.80"}, "gzip;q=0.8"},
		{[]string{"gzip \t; \tq=0.8"}, "gzip;q=0.8"},
		{[]string{"gzip;q=0.05,br;q=0.123,x;q=0.120"}, "br;q=0.123,gzip;q=0.05,x;q=0.12"},
		{[]string{"identity;q=0, *;q=0.000"}, "*;q=0,identity;q=0"},
		{[]string{"gzip;q=0."}, "gzip;q=0"},
		{[]string{"br;q=0.5,br;q=0.50"}, "br;q=0.5"},
		{[]string{"a-b,a,ab"}, "a,a-b,ab"},
		{[]string{"GZIP;q=0,5"}, "5,gzip;q=0"}, // "5" is a token, hence a coding

		// kept as they are, less whitespace
		{[]string{"gzip;q=1 , gzip;q=0.5"}, "gzip;q=1,gzip;q=0.5"},
		{[]string{"gzip;q=0.5", "x-gzip"}, "gzip;q=0.5,x-gzip"},
		{[]string{"GZIP , br;q=1.1"}, "GZIP,br;q=1.1"},
		{[]string{"GZIP , br;q=1.001"}, "GZIP,br;q=1.001"},
		{[]string{"GZIP;q=2"}, "GZIP;q=2"},
		{[]string{"GZIP;q=-1"}, "GZIP;q=-1"},
		{[]string{"GZIP;q=0.1234"}, "GZIP;q=0.1234"},
		{[]string{"GZIP;q=.5"}, "GZIP;q=.5"},
		{[]string{"GZIP;q="}, "GZIP;q="},
		{[]string{"GZIP;q"}, "GZIP;q"},
		{[]string{"GZIP;"}, "GZIP;"},
		{[]string{"GZIP;q =1"}, "GZIP;q =1"},
		{[]string{"GZIP;q= 1"}, "GZIP;q= 1"},
		{[]string{"GZIP;q=0x"}, "GZIP;q=0x"},
		{[]string{"GZIP;q=0.x"}, "GZIP;q=0.x"},
		{[]string{"GZIP;q=0.00:"}, "GZIP;q=0.00:"},
		{[]string{"GZIP;q=0.00/"}, "GZIP;q=0.00/"},
		{[]string{"GZIP;level=1"}, "GZIP;level=1"},
		{[]string{"GZIP;q=1;level=1"}, "GZIP;q=1;level=1"},
		{[]string{";q=1"}, ";q=1"},
		{[]string{"GZIP br"}, "GZIP br"},
		{[]string{`"GZIP , br"`}, `"GZIP , br"`},
		{[]string{`GZIP;q="1"`}, `GZIP;q="1"`},
		{[]string{"GZIPé"}, "GZIPé"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			checkNormal(t, appendAcceptEncoding, tt.lines, tt.want)
		})
	}
}

func TestAppendAcceptLanguage_RFC9110_12_5_4(t *testing.T) {
	tests := []struct {
		lines []string
		want  string
	}{
		{[]string{""}, ""},
		{[]string{"de"}, "de"},
		{[]string{"de-CH, EN;q=0.50"}, "de-ch,en;q=0.5"},
		{[]string{"en, de"}, "en,de"}, // order is priority
		{[]string{"de, en"}, "de,en"},
		{[]string{"*;q=0.1, en;q=0.8, de, fr;q=0.8"}, "de,en;q=0.8,fr;q=0.8,*;q=0.1"},
		{[]string{"en;q=0.8", "de ; q=1.0"}, "de,en;q=0.8"},
		{[]string{"en, de, EN"}, "en,de"},
		{[]string{"en;q=0, de"}, "de,en;q=0"},
		{[]string{"b;q=0.5,z,c;q=0.5,y,d;q=0.5,x,e;q=0.5,w,a;q=0.5,v,f;q=0.5,u,g;q=0.5,t"},
			"z,y,x,w,v,u,t,b;q=0.5,c;q=0.5,d;q=0.5,e;q=0.5,a;q=0.5,f;q=0.5,g;q=0.5"},
		{[]string{"zh-Hant-TW, sl-rozaj-1994"}, "zh-hant-tw,sl-rozaj-1994"},

		{[]string{"EN;q=0.5 , en"}, "EN;q=0.5,en"},
		{[]string{"EN_us , de"}, "EN_us,de"},
		{[]string{"*-CH"}, "*-CH"},
		{[]string{"EN;level=1"}, "EN;level=1"},
		{[]string{"EN;q=1.5"}, "EN;q=1.5"},
		{[]string{`"EN"`}, `"EN"`},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			checkNormal(t, appendAcceptLanguage, tt.lines, tt.want)
		})
	}
}

func checkNormal(t *testing.T, normal func([]byte, []string) []byte, lines []string, want string) {
	t.Helper()
	before := slices.Clone(lines)
	got := string(normal([]byte("dst"), lines))
	if got != "dst"+want {
		t.Errorf("got %q", got)
	}
	if again := string(normal(nil, []string{want})); again != want {
		t.Errorf("normalised once more: %q", again)
	}
	if !slices.Equal(lines, before) {
		t.Errorf("argument changed to %q", lines)
	}
}

func TestNegotiation_TooManyMembers(t *testing.T) {
	for _, n := range []int{31, 32, 33, 1000} {
		var names []string
		for i := range n {
			names = append(names, "X"+strconv.Itoa(1000-i))
		}
		field := strings.Join(names, " , ")
		want := strings.Join(names, ",")
		if n <= maxPreferences {
			slices.Sort(names)
			want = strings.ToLower(strings.Join(names, ","))
		}
		checkNormal(t, appendAcceptEncoding, []string{field}, want)
	}
}

func TestNegotiation_Allocations(t *testing.T) {
	encoding := []string{"gzip, deflate, br, zstd;q=0.9, x-compress, identity;q=0.5, *;q=0"}
	language := []string{"de-CH, de;q=0.9, en-US;q=0.8, en;q=0.7, fr;q=0.6, *;q=0.5"}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		appendAcceptEncoding(dst, encoding)
		appendAcceptLanguage(dst, language)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A field either can be read, and then its normal form says the same and is its own normal form, or
// it is what appendNormalized makes of it. Which of the two, a slower reading decides.
func FuzzNegotiation(f *testing.F) {
	f.Add("gzip, x-gzip;q=0.80", "br;Q=1.0")
	f.Add("de-CH, EN;q=0.5,*;q=0", "en;q=0.50")
	f.Add("gzip;q=1.1", `"a, b`)
	f.Add("a;q=0,b;q=0.001", ",, ;")
	f.Fuzz(func(t *testing.T, one, two string) {
		lines := []string{one, two}
		plain := string(appendNormalized(nil, lines))
		for name, normal := range map[string]func([]byte, []string) []byte{
			"encoding": appendAcceptEncoding, "language": appendAcceptLanguage,
		} {
			got := string(normal(nil, lines))
			want, ok := meaning(name, one+","+two)
			if !ok {
				if got != plain {
					t.Errorf("%s: %q can't be read, but became %q", name, lines, got)
				}
				if _, readable := meaning(name, got); readable {
					t.Errorf("%s: %q collides with the readable %q", name, lines, got)
				}
				continue
			}
			if again := string(normal(nil, []string{got})); again != got {
				t.Errorf("%s: %q became %q, then %q", name, lines, got, again)
			}
			if have, ok := meaning(name, got); !ok || !slices.Equal(have, want) {
				t.Errorf("%s: %q became %q", name, lines, got)
			}
			// What means the same has the same form, whatever its order.
			if name == "encoding" {
				if swapped := string(normal(nil, []string{two, one})); swapped != got {
					t.Errorf("%q became %q, the other way round %q", lines, got, swapped)
				}
			}
			if shouted := string(normal(nil, []string{strings.ToUpper(one), two})); shouted != got {
				t.Errorf("%s: %q became %q, in capitals %q", name, lines, got, shouted)
			}
		}
	})
}

// meaning reads a field: its members with their weights in thousandths, in the order in which they
// count.
func meaning(field, value string) (list []string, ok bool) {
	weights := map[string]int{}
	count := 0
	var order []string
	for member := range strings.SplitSeq(value, ",") {
		if member = strings.Trim(member, " \t"); member == "" {
			continue
		}
		name, q, weighted := strings.Cut(member, ";")
		name, q = strings.ToLower(strings.Trim(name, " \t")), strings.Trim(q, " \t")
		weight := 1.0
		if weighted {
			digits, isQ := strings.CutPrefix(strings.Replace(q, "Q", "q", 1), "q=")
			whole, fraction, _ := strings.Cut(digits, ".")
			var err error
			if weight, err = strconv.ParseFloat(whole+"."+fraction+"0", 64); err != nil || !isQ ||
				weight > 1 ||
				len(whole) != 1 || len(fraction) > 3 || strings.Trim(fraction,
				"0123456789") != "" ||
				strings.Trim(whole, "01") != "" {
				return nil, false
			}
		}
		letters := "abcdefghijklmnopqrstuvwxyz0123456789-"
		if field == "encoding" {
			letters += "!#$%&'*+.^_`|~"
			name = strings.TrimPrefix(name, map[string]string{"x-gzip": "x-",
				"x-compress": "x-"}[name])
		} else if name == "*" {
			letters = "*"
		}
		if strings.Trim(name, letters) != "" || name == "" {
			return nil, false
		}
		count++
		thousandths := int(weight*1000 + 0.5)
		if known, seen := weights[name]; seen && known != thousandths {
			return nil, false
		} else if !seen {
			order = append(order, name)
		}
		weights[name] = thousandths
	}
	if field == "encoding" {
		slices.Sort(order)
	} else {
		slices.SortStableFunc(order, func(a, b string) int { return weights[b] - weights[a] })
	}
	for _, name := range order {
		list = append(list, name+"="+strconv.Itoa(weights[name]))
	}
	return list, count <= maxPreferences
}

func BenchmarkAppendAcceptEncoding(b *testing.B) {
	lines, dst := []string{"gzip, deflate, br, zstd"}, make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		appendAcceptEncoding(dst, lines)
	}
}

func TestAcceptsCodings_RFC9110_12_5_3(t *testing.T) {
	tests := []struct {
		accept []string // nil: there is no such field
		coding string
		want   bool
	}{
		{nil, "", true},
		{nil, "identity", true},
		{nil, "gzip", false},
		{[]string{""}, "", true},
		{[]string{""}, "gzip", false},
		{[]string{"gzip"}, "gzip", true},
		{[]string{"gzip"}, "", true},
		{[]string{"gzip"}, "br", false},
		{[]string{"GZip"}, "x-gzip", true},
		{[]string{"x-gzip;q=0.001"}, "gzip", true},
		{[]string{"br", "gzip"}, "gzip", true},
		{[]string{"gzip;q=0"}, "gzip", false},
		{[]string{"gzip;q=0.000, *"}, "gzip", false},
		{[]string{"*, gzip;q=0"}, "gzip", false},
		{[]string{"*"}, "gzip", true},
		{[]string{"*;q=0"}, "gzip", false},
		{[]string{"*;q=0"}, "", false},
		{[]string{"*;q=0, identity"}, "", true},
		{[]string{"identity;q=0, gzip"}, "", false},
		{[]string{"gzip"}, "gzip, br", false},
		{[]string{"gzip, br"}, "gzip, br", true},
		{[]string{"gzip, gzip;q=0"}, "gzip", false},
		{[]string{"gzip;level=1"}, "gzip", false},
		{[]string{"gzip;level=1"}, "", true},
		{[]string{"gzipped"}, "gzip", false},
	}
	for _, tt := range tests {
		request, response := http.Header{}, http.Header{}
		if tt.accept != nil {
			request["Accept-Encoding"] = tt.accept
		}
		if tt.coding != "" {
			response.Set("Content-Encoding", tt.coding)
		}
		if got := AcceptsCodings(request, response); got != tt.want {
			t.Errorf("%q accepts %q: %v", tt.accept, tt.coding, got)
		}
	}
}
