package fields

import (
	"bytes"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestHeaderSurvivesPacking(t *testing.T) {
	for _, h := range []http.Header{
		{},
		{"Etag": {`"1"`}},
		{"Link": {"<a>", "", "<b>"}, "X": {"one", "\xff\xfe"}, "Set-Cookie": {"a", "a"}},
		{"X-" + strings.Repeat("Long", 100): {strings.Repeat("long ", 10000)}},
		{"Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}, "Expires": {"0"}},
		// Dates that aren't written as the preferred format has it stay as they are.
		{"Date": {"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
			"Mon, 06 Nov 1994 08:49:37 GMT",
			"Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Feb 1999 08:49:37 GMT", "Thu, 01 Jan 1969 " +
				"00:00:00 GMT"}},
		{"Expires": {"Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
			"Sun, 06 Nov 1994 08:49:60 GMT"}},
	} {
		p := Pack(h)
		if got := p.Header(); !reflect.DeepEqual(got, h) {
			t.Errorf("%v, want %v", got, h)
		}
		if again := Pack(p.Header()); again != p {
			t.Errorf("%q packed again is %q", p, again)
		}
		for name, values := range h {
			if got := p.Get(name); got != values[0] {
				t.Errorf("Get(%q) is %q, want %q", name, got, values[0])
			}
		}
	}
}

func TestValuesAreTheCallersOwn(t *testing.T) {
	p := Pack(http.Header{"A": {"1"}, "B": {"2", "3"}, "C": {"4"}})
	h := p.Header()
	for name := range h {
		h[name] = append(h[name], "x")
	}
	want := http.Header{"A": {"1", "x"}, "B": {"2", "3", "x"}, "C": {"4", "x"}}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("%v, want %v", h, want)
	}
}

func TestNameWithoutValuesIsNoField(t *testing.T) {
	if p := Pack(http.Header{"X": nil, "Etag": {}}); p != "" {
		t.Errorf("%q", p)
	}
}

func TestUsualFieldsAreSmall(t *testing.T) {
	p := Pack(http.Header{
		"Server": {"nginx/1.24.0"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"},
		"Content-Type":   {"text/plain"},
		"Content-Length": {"1000"}, "Last-Modified": {"Sun, 06 Nov 1994 08:49:37 GMT"},
		"Etag":          {`"65f1a2b3-3e8"`},
		"Accept-Ranges": {"bytes"}, "Cache-Control": {"max-age=3600"}, "Via": {"1.1 scurry"},
	})
	if len(p) > 96 {
		t.Errorf("%d bytes: %q", len(p), p)
	}
}

func TestUsualNames(t *testing.T) {
	for _, name := range usual[1:] {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("%q isn't canonical", name)
		}
	}
	once := slices.Compact(slices.Clone(usual))
	if !slices.IsSorted(usual) || len(once) != len(usual) || len(usual) > 256 {
		t.Error("a name is there twice, or out of order")
	}
}

func FuzzPack(f *testing.F) {
	f.Add("Date", "Sun, 06 Nov 1994 08:49:37 GMT", "X", "")
	f.Add("Etag", "\x01", "", "\x80")
	f.Fuzz(func(t *testing.T, name, value, other, another string) {
		h := http.Header{name: {value, another}}
		h[other] = append(h[other], another)
		if got := Pack(h).Header(); !reflect.DeepEqual(got, h) {
			t.Errorf("%q, want %q", got, h)
		}
	})
}

// TestParse: what is packed can be parsed, and nothing else that reads as invalid fields, as fields
// in another order, or not at all.
func TestParse(t *testing.T) {
	for _, h := range []http.Header{
		{}, {"Etag": {`"1"`}},
		{"Date": {"Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"},
			"X-Y": {"", "\xff"}},
	} {
		p := Pack(h)
		if got, ok := Parse([]byte(p)); !ok || got != p {
			t.Errorf("%v: %q, %t", h, got, ok)
		}
	}
	name := func(s string) []byte { return append([]byte{0, byte(len(s))}, s...) }
	one := []byte{2, 'x'} // the value "x"
	for _, wrong := range [][]byte{
		append(name("a"), one...), append(name(""), one...), append(name("A B"), one...),
		append(name("A:"), one...), append(name("A\nB"), one...),
		append(name("Etag"), one...),                              // which has a number
		append(name("A"), 4, '\r', '\n'), append(name("A"), 2, 0), // values that end the line
		append(name("A"), 3, 'x'), append(name("A"), 0x80), append(name("A"), 200, 1, 'x'),
		slices.Concat(name("B"), one, name("A"), one),
		{byte(len(usual)), 2, 'x'}, {0}, {0, 0x80}, {1}, {0, 200},
		append(name("A"), isDate), append(name("A"), isDate, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0x7f),
	} {
		if got, ok := Parse(wrong); ok || got != "" {
			t.Errorf("%q is taken for %v", wrong, got.Header())
		}
	}
}

// FuzzParse: what is taken can be read, and is valid.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Pack(http.Header{"Etag": {`"1"`}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"},
		"X": {"1", "2"}})))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := Parse(b)
		if !ok {
			return
		}
		n := 0
		for name, value := range p.All() {
			if n++; !Valid(name, value) {
				t.Errorf("%q: %q", name, value)
			}
		}
		if n != p.Len() {
			t.Errorf("%d fields, Len says %d", n, p.Len())
		}
		for name, values := range p.Header() {
			if p.Get(name) != values[0] {
				t.Errorf("%s is %q, Get says %q", name, values[0], p.Get(name))
			}
		}
	})
}

// TestValuesOfOneName: many values of one name take no room for as many names.
func TestValuesOfOneName(t *testing.T) {
	const size = 1 << 20
	p, ok := Parse(bytes.Repeat([]byte{1, 0}, size/2))
	if !ok {
		t.Fatal("it isn't valid")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h := p.Header()
	runtime.ReadMemStats(&after)
	got := after.TotalAlloc - before.TotalAlloc
	if len(h) != 1 || got > 9*size { // a string is 16 bytes here, and a value is 2 of them
		t.Errorf("%d names, %d bytes", len(h), got)
	}
}
