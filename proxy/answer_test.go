package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// FuzzAnswer holds the answers from the cache against http.ServeContent's on the same bytes.
func FuzzAnswer(f *testing.F) {
	date := origintest.Old.Format(http.TimeFormat)
	later := origintest.Old.Add(time.Hour).Format(http.TimeFormat)
	const none = ""
	for _, s := range []struct {
		size                            uint16
		rng, ifNoneMatch, ifMatch       string
		modifiedSince, unmodified, ifRg string
	}{
		{10000, none, none, none, none, none, none},
		{10000, "bytes=0-0", none, none, none, none, none},
		{10000, "bytes=1000-9100", none, none, none, none, none},
		{10000, "bytes=9999-", none, none, none, none, none},
		{10000, "bytes=-1", none, none, none, none, none},
		{10000, "bytes=-20000", none, none, none, none, none},
		{10000, "bytes=10000-", none, none, none, none, none},
		{10000, "bytes=0-1,5-6,9000-9999", none, none, none, none, none},
		{10000, "bytes=0-1, 20000-30000", none, none, none, none, none},
		{10000, "bytes=0-9999,0-9999", none, none, none, none, none},
		{10000, "bytes=,0-1,", none, none, none, none, none},
		{10000, "bytes=0-1", none, none, none, none, `"v"`},
		{10000, "bytes=0-1", none, none, none, none, `"other"`},
		{10000, "bytes=0-1", none, none, none, none, `W/"v"`},
		{10000, "bytes=0-1", none, none, none, none, date},
		{10000, "bytes=0-1", none, none, none, none, later},
		{10000, none, `"v"`, none, none, none, none},
		{10000, none, `W/"v"`, none, none, none, none},
		{10000, none, `"a", "v"`, none, none, none, none},
		{10000, none, `*`, none, none, none, none},
		{10000, none, `"a"`, none, date, none, none},
		{10000, none, none, `"v"`, none, none, none},
		{10000, none, none, `"a"`, none, none, none},
		{10000, none, none, `W/"v"`, none, none, none},
		{10000, none, none, none, date, none, none},
		{10000, none, none, none, later, none, none},
		{10000, none, none, none, none, date, none},
		{10000, "bytes=0-1", none, none, none, "Mon, 01 Jan 2001 00:00:00 GMT", none},
		{0, "bytes=0-0", none, none, none, none, none},
		{1, "bytes=0-0", none, none, none, none, none},
		{0, none, none, none, none, none, none},
		{first, "bytes=1023-1024", none, none, none, none, none},
		{first + 1, "bytes=1023-1024", none, none, none, none, none},
	} {
		for _, head := range []bool{false, true} {
			f.Add(s.size, head, s.rng, s.ifNoneMatch, s.ifMatch, s.modifiedSince, s.unmodified,
				s.ifRg)
		}
	}
	n, o := fronting(f, proxy.Config{})
	f.Fuzz(func(t *testing.T, size uint16, head bool, rng, ifNoneMatch, ifMatch, modifiedSince,
		unmodified, ifRange string) {
		if oddNumbers.MatchString(strings.TrimPrefix(rng, "bytes=")) {
			t.Skip("a number or a unit that httpcache's own tests are about")
		}
		path := fmt.Sprint("/f", size)
		file := origintest.File{Size: int64(size), ETag: `"v"`, Modified: origintest.Old,
			Header: maxAge("60")}
		o.Handle(path, file.ServeHTTP)
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		req := httptest.NewRequest(method, "http://n/files"+path, nil)
		for name, value := range map[string]string{"Range": rng, "If-None-Match": ifNoneMatch,
			"If-Match":          ifMatch,
			"If-Modified-Since": modifiedSince, "If-Unmodified-Since": unmodified,
			"If-Range": ifRange} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		if head {
			warm := httptest.NewRequest(http.MethodGet, "http://n/files"+path, nil)
			n.Proxy.ServeHTTP(httptest.NewRecorder(), warm)
		}
		got := httptest.NewRecorder()
		n.Proxy.ServeHTTP(got, req)

		// What RFC 9110 wants otherwise than net/http: a Range means nothing in a HEAD (section
		// 14.2), and one that is malformed is ignored, as it may be, instead of refused.
		std := req.Clone(t.Context())
		if head || malformed(rng) {
			std.Header.Del("Range")
		}
		want := httptest.NewRecorder()
		want.Header().Set("Etag", `"v"`)
		want.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(want, std, "", origintest.Old, bytes.NewReader(origintest.Content(0, 0,
			int64(size))))
		compare(t, got.Result(), want.Result())
	})
}

// rangeSpec is RFC 9110 section 14.1.2 with numbers that fit; other differences in numbers are
// httpcache's to test.
var rangeSpec = regexp.MustCompile(`^[ \t]*(?:(\d{1,18})-(\d{0,18})|-0*[1-9]\d{0,17})[ \t]*$`)

// malformed reports whether rng is to be ignored.
func malformed(rng string) bool {
	specs, ok := strings.CutPrefix(rng, "bytes=")
	some := false
	for spec := range strings.SplitSeq(specs, ",") {
		if strings.Trim(spec, " \t") == "" {
			continue
		}
		some = true
		m := rangeSpec.FindStringSubmatch(spec)
		if m == nil {
			return true
		}
		from, _ := strconv.ParseInt(m[1], 10, 64)
		if to, err := strconv.ParseInt(m[2], 10, 64); err == nil && to < from {
			return true
		}
	}
	return !ok || !some
}

// oddNumbers are those about which net/http and RFC 9110 differ: httpcache has the tests.
var oddNumbers = regexp.MustCompile(`\d{19}|-0*([ \t,]|$)|(?i)^bytes[ \t]*=`)

var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

func compare(t *testing.T, got, want *http.Response) {
	t.Helper()
	if got.StatusCode != want.StatusCode {
		t.Fatalf("status %d, want %d", got.StatusCode, want.StatusCode)
	}
	names := []string{"Content-Range", "Content-Type", "Etag", "Last-Modified", "Content-Length"}
	switch got.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		names = names[:1] // the rest is about the text of the error
	case http.StatusPreconditionFailed:
		names = []string{"Etag"}
	}
	for _, name := range names {
		g, w := boundary.ReplaceAllString(got.Header.Get(name), "B"),
			boundary.ReplaceAllString(want.Header.Get(name), "B")
		if g != w {
			t.Errorf("status %d: %s is %q, want %q", got.StatusCode, name, g, w)
		}
	}
	g, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	w, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got.StatusCode < 300 && !bytes.Equal(boundary.ReplaceAll(g, nil), boundary.ReplaceAll(w,
		nil)) {
		t.Errorf("content of %d bytes differs from the %d wanted at %d", len(g), len(w),
			difference(g, w))
	}
}

func TestMultipart(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	const size = 2*slab + 100
	o.Handle("/f", origintest.File{Size: size, ETag: `"v"`, Modified: origintest.Old,
		Header: http.Header{"Content-Type": {"text/x-nut"}}}.ServeHTTP)
	for range 2 {
		resp, b := n.get("/files/f", "Range: bytes=0-9,65530-65545,-5")
		kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if err != nil || resp.StatusCode != 206 || kind != "multipart/byteranges" ||
			resp.ContentLength != int64(len(b)) {
			t.Fatalf("%d %v, %d bytes, %v", resp.StatusCode, resp.Header, len(b), err)
		}
		m := multipart.NewReader(bytes.NewReader(b), params["boundary"])
		for _, want := range []struct {
			field      string
			start, end int64
		}{{"bytes 0-9/131172", 0, 10}, {"bytes 65530-65545/131172", 65530, 65546},
			{"bytes 131167-131171/131172", size - 5, size}} {
			part, err := m.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(part)
			if err != nil || part.Header.Get("Content-Range") != want.field ||
				part.Header.Get("Content-Type") != "text/x-nut" ||
				!bytes.Equal(content, origintest.Content(0, want.start, want.end)) {
				t.Errorf("part %v with %d bytes, %v; want %s", part.Header, len(content), err,
					want.field)
			}
		}
		if _, err := m.NextPart(); err != io.EOF {
			t.Errorf("after the last part: %v", err)
		}
	}
}

func TestTooManyRangesAreRefused(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", origintest.File{Size: 5000, ETag: `"v"`, Modified: origintest.Old}.ServeHTTP)
	many := "bytes=0-0" + strings.Repeat(",2-2", 999)
	resp, _ := n.get("/files/f", "Range: "+many)
	if resp.StatusCode != 416 || resp.Header.Get("Content-Range") != "bytes */5000" {
		t.Errorf("1,000 ranges: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestHead(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", origintest.File{Size: 5000, ETag: `"v"`, Modified: origintest.Old,
		Header: maxAge("60")}.ServeHTTP)
	head := func(status string) {
		t.Helper()
		resp, b := n.read(n.do(http.MethodHead, "/files/f"))
		if resp.StatusCode != 200 || resp.ContentLength != 5000 || len(b) != 0 ||
			resp.Header.Get("Etag") != `"v"` {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		n.cacheStatus(resp, status)
	}
	head("fwd=uri-miss")
	if r := o.Requests(); len(r) != 1 || r[0].Method != http.MethodHead {
		t.Errorf("a cold HEAD asked the origin %v", r)
	}
	n.expect(200, origintest.Content(0, 0, 5000), "/files/f")
	head("hit")
}

func TestErrorsAreNotSubjectToConditions(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/gone", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v"`)
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusGone)
		io.WriteString(w, "gone")
	})
	for range 2 {
		n.expect(410, []byte("gone"), "/files/gone", `If-None-Match: "v"`, "Range: bytes=0-0")
	}
	if o.Count() != 1 {
		t.Errorf("%d origin requests", o.Count())
	}
}
