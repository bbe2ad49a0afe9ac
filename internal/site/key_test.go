package site

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	for _, c := range []struct{ escaped, canonical string }{
		{"", ""},
		{"1.txt", "1.txt"},
		{"a/b/", "a/b/"},
		{"a//b", "a//b"},
		{"%61", "a"},
		{"%2D%5f%7e%2e1", "-_~.1"},
		{"a%20b", "a%20b"},
		{"a b", "a%20b"},
		{"a+b", "a+b"},
		{"a%2bb", "a%2Bb"}, // an escaped reserved character isn't the bare one
		{"@scope%2fname", "@scope%2Fname"},
		{"%c3%a9", "%C3%A9"},
		{"é", "%C3%A9"},
		{"%E9", "%E9"}, // not UTF-8, not overlong
		{`a"<>^{|}`, "a%22%3C%3E%5E%7B%7C%7D"},
		{"...", "..."},
		{"a..b/.c", "a..b/.c"},
		{"%25", "%25"},
		{"%2525", "%2525"},
		{"%3F", "%3F"},
	} {
		if key, err := keyOf(c.escaped, "", false); err != nil || key != c.escaped {
			t.Errorf("keyOf(%q) = %q, %v", c.escaped, key, err)
		}
		for key, want := range map[string]string{
			c.escaped: c.canonical, c.canonical: c.canonical, c.escaped + "?%7e": c.canonical +
				"?%7e", c.escaped + "?": c.canonical + "?",
		} {
			if got := Canonical(key); got != want {
				t.Errorf("Canonical(%q) = %q, want %q", key, got, want)
			}
		}
	}
}

func TestKeyRefuses(t *testing.T) {
	for _, escaped := range []string{
		"..", "../x", "a/../..", "a/../../b", "./..", "%2e", "%2e%2e", "%2E%2E/etc/passwd",
		"a/.%2e/b", "..%2f..%2fetc", "a%2f..%2fb",
		"%2e/../x", "%2E./../x", "./%2e/x", "a/.%2f/../b", "a/..%2F../b", "a%2f../../b",
		`a/..\..\b`, "%00/../x",
		`a\b`, "a%5cb", "%5C..%5C", "%00", "a%00b", "%c0%ae%c0%ae/", "%c0%af", "%e0%80%af",
		"%f0%80%80%af", "%zz", "%", "%4",
	} {
		if key, err := keyOf(escaped, "", false); !errors.Is(err, errPath) {
			t.Errorf("keyOf(%q) = %q, %v", escaped, key, err)
		}
	}
	for _, n := range []int{MaxKey + 1, 64 << 10} {
		if _, err := keyOf(strings.Repeat("a", n), "", false); !errors.Is(err, ErrLong) {
			t.Errorf("a path of %d bytes: %v", n, err)
		}
		if _, err := keyOfDecoded(strings.Repeat(" ", n)); !errors.Is(err, ErrLong) {
			t.Errorf("a decoded path of %d bytes: %v", n, err)
		}
	}
}

// TestKeyHasNoDotSegments: RFC 3986 section 5.2.4, within the mount.
func TestKeyHasNoDotSegments(t *testing.T) {
	for path, want := range map[string]string{
		".": "", "./": "", "./x": "x", "././x": "x", "a/.": "a/", "a/./": "a/", "a/./b": "a/b",
		"a/..": "", "a/../": "", "a/../b": "b",
		"a/b/..": "a/", "a/b/../c/./d": "a/c/d", "a/../b/..": "", "a/b/../../c": "c",
		"./a/../..b/.c/...": "..b/.c/...",
		".//x":              "/x", "a//../b": "a/b", "a//..": "a/", "a//./b": "a//b", "//..": "/",
		"a/..//b":      "/b",
		"%7e/./%c3%a9": "%7e/%c3%a9", "a%2Fb/../c": "c", "..;/x": "..;/x", "a;/../x": "x",
	} {
		if got, err := keyOf(path, "", false); got != want || err != nil {
			t.Errorf("keyOf(%q) = %q, %v; want %q", path, got, err, want)
		}
		if got, err := keyOf(path, "./../q", true); got != want+"?./../q" || err != nil {
			t.Errorf("keyOf(%q) with a query = %q, %v", path, got, err)
		}
		if !strings.Contains(path, "%") {
			if got, err := keyOfDecoded(path); got != Canonical(want) || err != nil {
				t.Errorf("keyOfDecoded(%q) = %q, %v; want %q", path, got, err, want)
			}
		}
	}
	if err := mounted(t, "/", "http://o/").Check("./x"); err == nil {
		t.Error("another node may send a key with dot segments")
	}
	long := strings.Repeat("./", MaxKey/2) + "x"
	if _, err := keyOf(long, "", false); !errors.Is(err, ErrLong) {
		t.Errorf("a path of %d bytes: %v", len(long), err)
	}
}

func TestKeyIsBoundedWithItsEscapes(t *testing.T) {
	for _, n := range []int{MaxKey / 3, MaxKey/3 + 1} {
		key, err := keyOf(strings.Repeat("\xd8", n), "", false)
		if long := 3*n > MaxKey; long != errors.Is(err, ErrLong) || len(Canonical(key)) > MaxKey {
			t.Errorf("%d bytes to be escaped: a key of %d, %v", n, len(key), err)
		}
	}
}

func TestKeyOfDecoded(t *testing.T) {
	for path, want := range map[string]string{
		"1.txt": "1.txt", "a b": "a%20b", "a+b": "a+b", "a/b": "a/b", "who?.txt": "who%3F.txt",
		"100%":  "100%25",
		"a%2Fb": "a%252Fb", "#1": "%231", "é": "%C3%A9",
	} {
		if got, err := keyOfDecoded(path); got != want || err != nil {
			t.Errorf("keyOfDecoded(%q) = %q, %v; want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"../x", "a/../..", "a\x00b", `a\b`, "\xc0\xae\xc0\xae/x"} {
		if got, err := keyOfDecoded(path); !errors.Is(err, errPath) {
			t.Errorf("keyOfDecoded(%q) = %q, %v", path, got, err)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, c := range [][3]string{
		{"http://o/", "a%2Fb", "http://o/a%2Fb"},
		{"http://o/base/", "a%20b?x=1&y=%20", "http://o/base/a%20b?x=1&y=%20"},
		{"http://o/", "a?", "http://o/a?"},
		{"http://o/", "", "http://o/"},
		{"http://o/b%2Fc/", "x", "http://o/b%2Fc/x"},
		{"file:///", "1.txt", "file:///1.txt"},
		{"http://o/", "/evil.example/x", "http://o//evil.example/x"},
		{"http://o/", "a%3Fb", "http://o/a%3Fb"},
		{"http://o/", "%7Ea[1]'%3a", "http://o/%7Ea[1]'%3a"},
		{"http://o/", "%7E{é|?{", "http://o/%7E{é|?{"},
		{"http://o/%7Eb{/", "x", "http://o/%7Eb{/x"},
	} {
		base, err := url.Parse(c[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := Shown(New(Config{Base: base}).Target(c[1])); got != c[2] {
			t.Errorf("Target(%s, %s) = %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"a/b", "%2e%2E/x", "a%2fb?c", "%c0%ae", "\x00", "a b+c",
		"./a/../b//.", "a/../..", "a%2f./../b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := keyOf(s, "", false)
		if err != nil || strings.Contains(s, "?") { // no path has one
			return
		}
		want := s
		if dotted(s) {
			want = (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: "/" + s}).Path[1:]
		}
		canonical := Canonical(key)
		if again := Canonical(canonical); key != want || again != canonical ||
			!isCanonical(canonical) {
			t.Fatalf("%.200q has the key %.200q, whose form is %.200q, whose form is %.200q", s,
				key, canonical, again)
		}
		decoded, err := url.PathUnescape(key)
		if err != nil {
			t.Fatalf("key %q: %v", key, err)
		}
		if other, err := url.PathUnescape(canonical); err != nil || other != decoded {
			t.Fatalf("%q means %q in its canonical form %q", key, other, canonical)
		}
		for segment := range strings.SplitSeq(decoded, "/") {
			if segment == ".." || segment == "." || strings.ContainsAny(segment, "\\\x00") {
				t.Fatalf("key %q has the segment %q", key, segment)
			}
		}
	})
}

// TestPlainKey: a plain key is the one that the URL or the form value names.
func TestPlainKey(t *testing.T) {
	random, taken := rand.New(rand.NewPCG(1, 2)), 0
	parts := []string{"/", "/zk", "/files/", "?", "key", "=", "a", ".", "..", "&", "+", ";", "~",
		"/a/", "zk?key=", "?key=b", "@"}
	for range 100_000 {
		s := Site{Config: Config{Mount: []string{"/", "/files/", "/a/b/"}[random.IntN(3)]}}
		target := []string{"/", "/zk?key=", s.Mount}[random.IntN(3)]
		for range random.IntN(5) {
			target += parts[random.IntN(len(parts))]
		}
		key, ok := s.PlainKey(target)
		if !ok {
			continue
		}
		taken++
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		switch s.Way(u) {
		case ToForm:
			want, err = KeyFromForm(u.RawQuery)
		case ToResource:
			want, err = s.KeyFromURL(u)
		default:
			err = errors.New("it leads elsewhere")
		}
		if err != nil || key != want {
			t.Fatalf("under %s: PlainKey(%q) = %q, want %q, %v", s.Mount, target, key, want, err)
		}
	}
	if taken < 1000 {
		t.Errorf("%d of the targets are plain", taken)
	}
}
