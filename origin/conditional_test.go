package origin

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDirValidators(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "12345"})
	resp, _ := get(t, d, "/a.txt")
	etag := fmt.Sprintf(`"5-%x"`, longAgo.UnixNano())
	for name, want := range map[string]string{
		"ETag": etag, "Last-Modified": "Thu, 29 Feb 2024 12:30:15 GMT", "Accept-Ranges": "bytes",
		"Content-Length": "5", "Content-Type": "text/plain; charset=utf-8",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	other, _ := newSite(t, map[string]string{"elsewhere/b.txt": "abcde"})
	if resp, _ := get(t, other, "/elsewhere/b.txt"); resp.Header.Get("ETag") != etag {
		t.Errorf("another machine's ETag: %s, want %s", resp.Header.Get("ETag"), etag)
	}
}

func TestDirUnsettledValidators(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "12345"})
	strong := fmt.Sprintf(`"5-%x"`, longAgo.UnixNano())
	for _, test := range []struct {
		age          time.Duration
		weak         bool
		lastModified string
	}{
		{-time.Hour, true, "Thu, 29 Feb 2024 11:30:15 GMT"}, // not later than Date
		{-1, true, "Thu, 29 Feb 2024 12:30:15 GMT"},
		{0, true, "Thu, 29 Feb 2024 12:30:15 GMT"},
		{2*time.Second - 1, true, "Thu, 29 Feb 2024 12:30:15 GMT"},
		{2 * time.Second, false, "Thu, 29 Feb 2024 12:30:15 GMT"},
		{time.Hour, false, "Thu, 29 Feb 2024 12:30:15 GMT"},
	} {
		d.now = func() time.Time { return longAgo.Add(test.age) }
		resp, _ := get(t, d, "/a.txt")
		etag := resp.Header.Get("ETag")
		if isWeak(etag) != test.weak || test.weak && strings.TrimPrefix(etag, "W/") == strong ||
			!test.weak && etag != strong {
			t.Errorf("%v old: ETag %s", test.age, etag)
		}
		if got := resp.Header.Get("Last-Modified"); got != test.lastModified {
			t.Errorf("%v old: Last-Modified %s, want %s", test.age, got, test.lastModified)
		}
		// A date is as weak as the ETag beside it; and a weak ETag is good for If-None-Match.
		date := longAgo.Format(http.TimeFormat)
		want := map[bool]int{true: 200, false: 206}[test.weak]
		if resp, _ := get(t, d, "/a.txt", "Range", "bytes=1-", "If-Range",
			date); resp.StatusCode != want {
			t.Errorf("%v old: If-Range by date: %d, want %d", test.age, resp.StatusCode, want)
		}
		if resp, _ := get(t, d, "/a.txt", "If-None-Match", etag); resp.StatusCode != 304 {
			t.Errorf("%v old: If-None-Match: %d", test.age, resp.StatusCode)
		}
	}
}

func isWeak(etag string) bool { return strings.HasPrefix(etag, "W/") }

// dateFormats are the three of an HTTP-date (RFC 9110 section 5.6.7).
var dateFormats = []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}

// TestDirDateFormats asks with dates in each format, and in other zones, which makes them none.
func TestDirDateFormats(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "12345"})
	for _, format := range dateFormats {
		date := longAgo.Format(format)
		if resp, _ := get(t, d, "/a.txt", "If-Modified-Since", date); resp.StatusCode != 304 {
			t.Errorf("If-Modified-Since: %s: %d", date, resp.StatusCode)
		}
		if resp, _ := get(t, d, "/a.txt", "Range", "bytes=1-", "If-Range",
			date); resp.StatusCode != 206 {
			t.Errorf("If-Range: %s: %d", date, resp.StatusCode)
		}
	}
	for _, zone := range []string{"UTC", "EST", "+0000"} {
		date := strings.Replace(longAgo.Format(dateFormats[1]), "GMT", zone, 1)
		if resp, _ := get(t, d, "/a.txt", "If-Modified-Since", date); resp.StatusCode != 200 {
			t.Errorf("If-Modified-Since: %s: %d", date, resp.StatusCode)
		}
		if resp, _ := get(t, d, "/a.txt", "Range", "bytes=1-", "If-Range",
			date); resp.StatusCode != 200 {
			t.Errorf("If-Range: %s: %d", date, resp.StatusCode)
		}
	}
}

func TestDirConditions(t *testing.T) {
	const content = "0123456789"
	d, _ := newSite(t, map[string]string{"a.txt": content, "empty.txt": ""})
	resp, _ := get(t, d, "/a.txt")
	etag := resp.Header.Get("ETag")
	at, before, after := longAgo.Format(http.TimeFormat),
		longAgo.Add(-time.Second).Format(http.TimeFormat),
		longAgo.Add(time.Second).Format(http.TimeFormat)
	tests := []struct {
		fields []string
		code   int
		body   string // "" for the whole of a 200
	}{
		{[]string{"If-None-Match", etag}, 304, ""},
		{[]string{"If-None-Match", "W/" + etag}, 304, ""},
		{[]string{"If-None-Match", `"x", "a,b" ,` + etag}, 304, ""},
		{[]string{"If-None-Match", `"x"`, "If-None-Match", etag}, 304, ""},
		{[]string{"If-None-Match", "*"}, 304, ""},
		{[]string{"If-None-Match", `"x"`}, 200, ""},
		{[]string{"If-None-Match", `"x`}, 200, ""},
		{[]string{"If-None-Match", strings.Trim(etag, `"`)}, 200, ""},
		{[]string{"If-None-Match", `"x"`, "If-Modified-Since", at}, 200, ""}, // the date is ignored
		{[]string{"If-None-Match", etag, "If-Modified-Since", before}, 304, ""},
		{[]string{"If-Modified-Since", at}, 304, ""},
		{[]string{"If-Modified-Since", after}, 304, ""},
		{[]string{"If-Modified-Since", before}, 200, ""},
		{[]string{"If-Modified-Since", "yesterday"}, 200, ""},
		{[]string{"If-Modified-Since", at, "If-Modified-Since", before}, 200, ""},
		{[]string{"If-Unmodified-Since", before, "If-Unmodified-Since", at}, 200, ""},
		{[]string{"If-Match", etag}, 200, ""},
		{[]string{"If-Match", `"x",` + etag}, 200, ""},
		{[]string{"If-Match", "*"}, 200, ""},
		{[]string{"If-Match", "W/" + etag}, 412, ""},
		{[]string{"If-Match", `"x"`}, 412, ""},
		{[]string{"If-Match", etag, "If-Unmodified-Since", before}, 200, ""}, // the date is ignored
		{[]string{"If-Unmodified-Since", at}, 200, ""},
		{[]string{"If-Unmodified-Since", before}, 412, ""},
		{[]string{"If-Unmodified-Since", "yesterday"}, 200, ""},
		{[]string{"If-Match", `"x"`, "If-None-Match", etag}, 412, ""},
		{[]string{"If-Match", etag, "If-None-Match", etag}, 304, ""},
		{[]string{"If-None-Match", etag, "Range", "bytes=0-1"}, 304, ""},
		{[]string{"If-None-Match", etag, "Range", "bytes=10-"}, 304, ""},
		{[]string{"If-Match", `"x"`, "Range", "bytes=0-1"}, 412, ""},

		{[]string{"Range", "bytes=0-0"}, 206, "0"},
		{[]string{"Range", "bytes=9-9"}, 206, "9"},
		{[]string{"Range", "bytes=9-10"}, 206, "9"},
		{[]string{"Range", "bytes=0-"}, 206, content},
		{[]string{"Range", "bytes=3-5"}, 206, "345"},
		{[]string{"Range", "Bytes=3-5"}, 206, "345"},
		{[]string{"Range", "bytes= 3-5 ,"}, 206, "345"},
		{[]string{"Range", "bytes=8-99999999999999999999"}, 206, "89"},
		{[]string{"Range", "bytes=-1"}, 206, "9"},
		{[]string{"Range", "bytes=-10"}, 206, content},
		{[]string{"Range", "bytes=-11"}, 206, content},
		{[]string{"Range", "bytes=-99999999999999999999"}, 206, content},
		{[]string{"Range", "bytes=-0"}, 416, ""},
		{[]string{"Range", "bytes=10-"}, 416, ""},
		{[]string{"Range", "bytes=10-10"}, 416, ""},
		{[]string{"Range", "bytes=99999999999999999999-"}, 416, ""},
		{[]string{"Range", "bytes=0-1,3-4"}, 200, ""},
		{[]string{"Range", "bytes=0-1,2"}, 200, ""},
		{[]string{"Range", "bytes=0-1", "Range", "bytes=0-1"}, 200, ""},
		{[]string{"Range", "bytes=5-3"}, 200, ""},
		{[]string{"Range", "bytes=-"}, 200, ""},
		{[]string{"Range", "bytes="}, 200, ""},
		{[]string{"Range", "bytes=+1-2"}, 200, ""},
		{[]string{"Range", "bytes=1-2-3"}, 200, ""},
		{[]string{"Range", "bytes=--1"}, 200, ""},
		{[]string{"Range", "bytes=a-b"}, 200, ""},
		{[]string{"Range", "bytes 1-2"}, 200, ""},
		{[]string{"Range", "lines=1-2"}, 200, ""},
		{[]string{"Range", "1-2"}, 200, ""},
		{[]string{"Range", ""}, 200, ""},

		{[]string{"Range", "bytes=3-5", "If-Range", etag}, 206, "345"},
		{[]string{"Range", "bytes=3-5", "If-Range", "W/" + etag}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", `"x"`}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", etag + `,"x"`}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", etag, "If-Range", `"x"`}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", at}, 206, "345"},
		{[]string{"Range", "bytes=3-5", "If-Range", at, "If-Range", at}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", after}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", before}, 200, ""},
		{[]string{"Range", "bytes=3-5", "If-Range", "yesterday"}, 200, ""},
		{[]string{"Range", "bytes=10-", "If-Range", `"x"`}, 200, ""},
		{[]string{"If-Range", `"x"`}, 200, ""},
	}
	for _, test := range tests {
		resp, body := get(t, d, "/a.txt", test.fields...)
		want := test.body
		if test.code == 200 {
			want = content
		}
		if resp.StatusCode != test.code || (test.code == 200 || test.code == 206) && body != want {
			t.Errorf("%q: %d %q, want %d %q", test.fields, resp.StatusCode, body, test.code, want)
		}
		checkFields(t, fmt.Sprintf("%q", test.fields), resp, etag, body)
	}
	for _, r := range []string{"bytes=0-", "bytes=-1", "bytes=5-6"} {
		if resp, _ := get(t, d, "/empty.txt", "Range", r); resp.StatusCode != 200 {
			t.Errorf("%s of an empty file: %d", r, resp.StatusCode)
		}
	}
}

// checkFields looks at the fields that RFC 9110 asks for with each status.
func checkFields(t *testing.T, what string, resp *http.Response, etag, body string) {
	t.Helper()
	h := resp.Header
	ok := true
	switch resp.StatusCode {
	case 200:
		ok = h.Get("ETag") == etag && h.Get("Content-Range") == "" &&
			h.Get("Content-Length") == "10"
	case 206:
		start := strings.Index("0123456789", body)
		ok = h.Get("ETag") == etag &&
			h.Get("Content-Range") == fmt.Sprintf("bytes %d-%d/10", start, start+len(body)-1)
	case 304:
		ok = h.Get("ETag") == etag && h.Get("Last-Modified") != "" && h.Get("Content-Type") == "" &&
			h.Get("Content-Length") == "" && body == ""
	case 416:
		ok = h.Get("Content-Range") == "bytes */10" && h.Get("ETag") == "" &&
			h.Get("Last-Modified") == ""
	}
	if !ok {
		t.Errorf("%s: %d with %v", what, resp.StatusCode, h)
	}
}

func TestDirHead(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "0123456789", "empty": ""})
	for _, fields := range [][]string{{}, {"Range", "bytes=1-2"}, {"Range", "bytes=20-"}} {
		resp, _ := do(t, d, target(t, "HEAD", d.BaseURL(), "/a.txt", fields...))
		whole, _ := get(t, d, "/a.txt")
		whole.Header.Set("Date", resp.Header.Get("Date"))
		if resp.StatusCode != 200 || resp.ContentLength != 10 ||
			fmt.Sprint(resp.Header) != fmt.Sprint(whole.Header) {
			t.Errorf("HEAD %q: %d, length %d, %v", fields, resp.StatusCode, resp.ContentLength,
				resp.Header)
		}
	}
	if resp, _ := do(t, d, target(t, "HEAD", d.BaseURL(), "/a.txt", "If-None-Match",
		"*")); resp.StatusCode != 304 {
		t.Errorf("HEAD with If-None-Match: %d", resp.StatusCode)
	}
	if resp, _ := do(t, d, target(t, "HEAD", d.BaseURL(), "/nothing")); resp.StatusCode != 404 ||
		resp.ContentLength != 14 {
		t.Errorf("HEAD of nothing: %d, length %d", resp.StatusCode, resp.ContentLength)
	}
}

// TestDirLikeServeContent holds Dir against http.ServeContent with random conditions and ranges, of
// the kinds that the two are meant to answer alike.
func TestDirLikeServeContent(t *testing.T) {
	d, root := newSite(t, map[string]string{"0.bin": "", "1.bin": "x",
		"1000.bin": strings.Repeat("0123456789", 100)})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 5000 {
		size := []string{"0", "1", "1000"}[rnd.IntN(3)]
		content, err := os.ReadFile(filepath.Join(root, size+".bin"))
		check(t, err)
		resp, _ := get(t, d, "/"+size+".bin")
		req := target(t, []string{"GET", "GET", "HEAD"}[rnd.IntN(3)], d.BaseURL(), "/"+size+".bin",
			randomConditions(rnd, resp.Header.Get("ETag"), len(content))...)
		want := serveContent(req, resp.Header.Get("ETag"), content)
		got, body := do(t, d, req)
		if req.Method == "HEAD" && want.Code != 304 && want.Code != 412 {
			// RFC 9110 section 14.2 defines Range for GET alone; ServeContent heeds it for HEAD
			want.Code = 200
			want.Header().Del("Content-Range")
			got.Header.Del("Content-Range")
		}
		if got.StatusCode != want.Code || got.Header.Get("Content-Range") != want.Header().Get("Content-Range") ||
			(want.Code == 200 || want.Code == 206) && req.Method == "GET" &&
				body != want.Body.String() {
			t.Fatalf("%s of %s bytes with %v:\n got %d %v\nwant %d %v", req.Method, size,
				req.Header,
				got.StatusCode, got.Header, want.Code, want.Header())
		}
	}
}

func serveContent(req *http.Request, etag string, content []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	w.Header().Set("ETag", etag)
	http.ServeContent(w, req, "a.bin", longAgo, bytes.NewReader(content))
	return w
}

func randomConditions(rnd *rand.Rand, etag string, size int) (fields []string) {
	pick := func(values ...string) string { return values[rnd.IntN(len(values))] }
	tags := func() string {
		return pick(etag, "W/"+etag, `"x"`, `"x", `+etag, `W/"x",,"y" , `+etag, "*", `"open`,
			`bare, `+etag, ",")
	}
	date := func() string {
		shift := time.Duration(rnd.IntN(5)-2) * time.Second
		return pick(longAgo.Add(shift).Format(pick(dateFormats...)), "no date", "0")
	}
	start := rnd.IntN(size + 2)
	ranges := []string{fmt.Sprintf("bytes=%d-%d", start, start+rnd.IntN(size+2)),
		fmt.Sprintf("bytes=%d-", start),
		fmt.Sprintf("bytes= %d- ,", start)}
	if size > 0 { // of nothing, ServeContent sends the impossible "bytes 0--1/0"
		ranges = append(ranges, fmt.Sprintf("bytes=-%d", start+1))
	}
	for _, field := range [][2]string{
		{"If-Match", tags()},
		{"If-None-Match", tags()},
		{"If-Unmodified-Since", date()},
		{"If-Modified-Since", date()},
		{"If-Range", pick(etag, "W/"+etag, `"x"`, date())},
		{"Range", pick(ranges...)},
	} {
		if rnd.IntN(3) == 0 {
			fields = append(fields, field[0], field[1])
		}
	}
	return fields
}
