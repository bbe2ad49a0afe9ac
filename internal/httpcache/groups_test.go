package httpcache_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestGroups_RFC9875_2(t *testing.T) {
	tests := []struct {
		lines []string
		want  []string
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{`"scripts"`}, []string{"scripts"}},
		{[]string{`"b", "a","b"`}, []string{"a", "b"}},
		{[]string{`"b"`, `"a"`}, []string{"a", "b"}},
		{[]string{`"A", "a"`}, []string{"A", "a"}},
		{[]string{`"a, b c", "q\"\\"`}, []string{"a, b c", `q"\`}},
		{[]string{`"a";revalidate;x=1`}, []string{"a"}},
		{[]string{`""`}, []string{""}},
		{[]string{"a"}, nil},
		{[]string{`"a", b`}, nil},
		{[]string{`"a", 1`}, nil},
		{[]string{`"a", ("b")`}, nil},
		{[]string{`"a", %"b"`}, nil},
		{[]string{`"a", ?1`}, nil},
		{[]string{`"a",`}, nil},
		{[]string{`"a" "b"`}, nil},
		{[]string{`"a`}, nil},
		{[]string{`"ä"`}, nil},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.lines, "|"), func(t *testing.T) {
			if got := httpcache.Groups(http.Header{"Cache-Groups": tt.lines},
				nil); !slices.Equal(got, tt.want) {
				t.Errorf("Groups: %q, want %q", got, tt.want)
			}
			h := http.Header{"Cache-Group-Invalidation": tt.lines, "Cache-Groups": {`"x"`},
				"Cache-Tag": {"y"}}
			if got := httpcache.InvalidatedGroups(h); !slices.Equal(got, tt.want) {
				t.Errorf("InvalidatedGroups: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGroups_OlderFields(t *testing.T) {
	also := []string{"Surrogate-Key", "Cache-Tag"}
	tests := []struct {
		h    http.Header
		want []string
	}{
		{head("Surrogate-Key: b a  b"), []string{"a", "b"}},
		{head("Cache-Tag: b,a , c"), []string{"a", "b", "c"}},
		{head("Cache-Tag: ,b,,\ta\t,"), []string{"a", "b"}},
		{head("Cache-Tag: a", "Cache-Tag: b", "Surrogate-Key: c"), []string{"a", "b", "c"}},
		{head(`Cache-Groups: "d", "a"`, "Cache-Tag: a,b"), []string{"a", "b", "d"}},
		{head("Cache-Groups: invalid,", "Cache-Tag: a"), []string{"a"}},
		{head(`Cache-Tag: "a"`), []string{`"a"`}},
		{head("Cache-Tag:"), nil},
		{head("X-Tag: a", `Cache-Group-Invalidation: "b"`), nil},
	}
	for _, tt := range tests {
		before := tt.h.Clone()
		if got := httpcache.Groups(tt.h, also); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.h, got, tt.want)
		}
		if fmt.Sprint(tt.h) != fmt.Sprint(before) {
			t.Errorf("%v changed to %v", before, tt.h)
		}
	}
	if got := httpcache.Groups(head("Cache-Tag: a"), nil); got != nil {
		t.Errorf("without being asked for: %q", got)
	}
}

func TestGroups_Limits(t *testing.T) {
	numbered := func(format string, n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf(format, i))
		}
		return names
	}
	for _, n := range []int{32, 127, 128, 129, 1000} {
		names := numbered("%032d", n)
		want := names[:min(n, 128)]
		list := http.Header{"Cache-Groups": {`"` + strings.Join(names, `", "`) + `"`}}
		if got := httpcache.Groups(list, nil); !slices.Equal(got, want) {
			t.Errorf("%d: got %d groups", n, len(got))
		}
		tags := http.Header{"Cache-Tag": names}
		if got := httpcache.Groups(tags, []string{"Cache-Tag"}); !slices.Equal(got, want) {
			t.Errorf("%d tags: got %d groups", n, len(got))
		}
	}

	long, tooLong := strings.Repeat("x", 256), strings.Repeat("y", 257)
	h := head(fmt.Sprintf("Cache-Groups: %q, %q", long, tooLong), "Cache-Tag: "+tooLong+",t")
	if got := httpcache.Groups(h, []string{"Cache-Tag"}); !slices.Equal(got, []string{"t", long}) {
		t.Errorf("got %q", got)
	}

	// What is left out is what comes last in the message, not in the alphabet.
	h = http.Header{"Cache-Groups": {`"zz"`}, "Cache-Tag": numbered("%03d", 200)}
	if got := httpcache.Groups(h, []string{"Cache-Tag"}); len(got) != 128 || got[127] != "zz" ||
		got[126] != "126" {
		t.Errorf("got %q", got)
	}
}

func TestGroups_Absent(t *testing.T) {
	h, also := head("Date: x"), []string{"Surrogate-Key", "Cache-Tag"}
	noAllocations(t, func() {
		httpcache.Groups(h, also)
		httpcache.InvalidatedGroups(h)
	})
}

func FuzzGroups(f *testing.F) {
	f.Add(`"a", "b";c`, "a b,c")
	f.Add(`"a", b`, " ,\t")
	f.Fuzz(func(t *testing.T, list, tags string) {
		h := http.Header{"Cache-Groups": {list}, "Cache-Group-Invalidation": {list},
			"Cache-Tag": {tags}}
		got := httpcache.Groups(h, []string{"Cache-Tag"})
		if len(got) > 128 || !slices.IsSorted(got) ||
			len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("got %q", got)
		}
		want := httpcache.InvalidatedGroups(h)
		for _, tag := range strings.FieldsFunc(tags,
			func(r rune) bool { return strings.ContainsRune(", \t", r) }) {
			if len(tag) <= 256 && !slices.Contains(want, tag) && len(want) < 128 {
				want = append(want, tag)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
