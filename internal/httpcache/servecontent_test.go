package httpcache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/race"
)

// exchange is a conditional request for a stored representation, as the fuzzer and the random test
// make it up.
type exchange struct {
	method                string
	etag                  string
	modified              int64 // Unix time, 0 for none
	ifMatch, ifNoneMatch  string
	ifModified, ifUnmodif string
	ifRange, ranges       string
	size                  int
}

func (e exchange) request() http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		"If-Match": e.ifMatch, "If-None-Match": e.ifNoneMatch, "If-Modified-Since": e.ifModified,
		"If-Unmodified-Since": e.ifUnmodif, "If-Range": e.ifRange, "Range": e.ranges,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

// answer is a status and the Content-Range of each part; of a 416 that of the whole.
type answer struct {
	status int
	parts  []string
}

// standard is what http.ServeContent answers.
func (e exchange) standard(t *testing.T) answer {
	t.Helper()
	r := httptest.NewRequest(e.method, "/", nil)
	e.ranges = palatable(e.ranges)
	r.Header = e.request()
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/octet-stream")
	if e.etag != "" {
		w.Header().Set("Etag", e.etag)
	}
	var modified time.Time
	if e.modified != 0 {
		modified = time.Unix(e.modified, 0)
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(make([]byte, e.size)))
	a := answer{status: w.Code}
	kind, params, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if kind != "multipart/byteranges" || e.method == http.MethodHead {
		if v := w.Header().Get("Content-Range"); v != "" {
			a.parts = append(a.parts, v)
		}
		return a
	}
	for parts := multipart.NewReader(w.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err == io.EOF {
			return a
		}
		if err != nil {
			t.Fatal(err)
		}
		a.parts = append(a.parts, part.Header.Get("Content-Range"))
	}
}

// ours is what a caller of Preconditions and ParseRange answers. The error is that of ParseRange,
// if it was asked.
func (e exchange) ours() (answer, error) {
	stored := http.Header{}
	if e.etag != "" {
		stored.Set("Etag", e.etag)
	}
	if e.modified != 0 {
		modified := time.Unix(e.modified, 0).UTC()
		stored.Set("Last-Modified", modified.Format(http.TimeFormat))
		// so that Last-Modified is strong
		stored.Set("Date", modified.Add(time.Hour).Format(http.TimeFormat))
	}
	outcome, honoured := httpcache.Preconditions(e.method, e.request(), stored)
	switch {
	case outcome == httpcache.NotModified:
		return answer{status: 304}, nil
	case outcome == httpcache.PreconditionFailed:
		return answer{status: 412}, nil
	case !honoured:
		return answer{status: 200}, nil
	}
	size := int64(e.size)
	ranges, err := httpcache.ParseRange(e.ranges, size)
	switch {
	case errors.Is(err, httpcache.ErrUnsatisfiable), errors.Is(err, httpcache.ErrTooMany):
		return answer{416, []string{fmt.Sprintf("bytes */%d", size)}}, err
	case err != nil, len(ranges) == 0, httpcache.TotalLength(ranges) > size:
		return answer{status: 200}, err
	}
	a := answer{status: 206}
	for _, r := range ranges {
		a.parts = append(a.parts, r.ContentRange(size))
	}
	return a, nil
}

var (
	specPattern = `[ \t]*(?:[0-9]+[ \t]*-[ \t]*[0-9]*|-[ \t]*[0-9]+)?[ \t]*`
	wellFormed  = regexp.MustCompile(`^(?i:bytes)=` + specPattern + `(?:,` + specPattern + `)*$`)
	bothEnds    = regexp.MustCompile(`([0-9]+)[ \t]*-[ \t]*([0-9]+)`)
	longNumber  = regexp.MustCompile(`[0-9]{19,}`)
)

// palatable writes a Range that the RFC calls valid so that ServeContent does, too: it knows the
// unit in lower case only (§14.1), and no number above an int64, which is but a position beyond the
// end.
func palatable(ranges string) string {
	if !wellFormed.MatchString(ranges) {
		return ranges
	}
	return longNumber.ReplaceAllStringFunc(strings.ToLower(ranges), func(s string) string {
		if s = strings.TrimLeft(s, "0"); len(s) < 19 {
			return "0" + s
		}
		return strings.Repeat("9", 18)
	})
}

// deviates reports that the answers differ for one of the reasons that are known and wanted.
func (e exchange) deviates(std, our answer, err error) bool {
	switch {
	case e.method == http.MethodHead && (std.status == 206 || std.status == 416):
		return our.status == 200 // §14.2: Range is defined for GET
	case errors.Is(err, httpcache.ErrTooMany):
		specs := strings.FieldsFunc(e.ranges, func(r rune) bool { return r == ',' })
		return our.status == 416 && len(specs) > 64
	case errors.Is(err, httpcache.ErrMalformed):
		// §14.2: an invalid ranges-specifier is ignored; ServeContent answers 416, reads "+5" as a
		// number, and doesn't look at the last-pos of a range beyond the end.
		return our.status == 200 && (!wellFormed.MatchString(e.ranges) || backwards(e.ranges))
	case std.status == 206:
		// §14.1.2: neither a suffix-range of length zero nor one of nothing is satisfiable;
		// ServeContent sends "bytes 10-9/10" or "bytes 0--1/0".
		parts := slices.DeleteFunc(slices.Clone(std.parts), func(s string) bool {
			return s == fmt.Sprintf("bytes %d-%d/%[1]d", e.size, e.size-1)
		})
		switch {
		case len(parts) == len(std.parts):
			return false
		case len(parts) > 0:
			return our.status == 206 && slices.Equal(parts, our.parts)
		case e.size == 0:
			return our.status == 200
		}
		return our.status == 416
	}
	return false
}

// backwards reports whether a range ends before it begins (§14.1.1).
func backwards(ranges string) bool {
	for _, m := range bothEnds.FindAllStringSubmatch(ranges, -1) {
		first, _ := new(big.Int).SetString(m[1], 10)
		last, _ := new(big.Int).SetString(m[2], 10)
		if last.Cmp(first) < 0 {
			return true
		}
	}
	return false
}

// lax reports whether any of the dates is one by the standard library only, such as one with an
// hour of one digit.
func (e exchange) lax() bool {
	return slices.ContainsFunc([]string{e.ifModified, e.ifUnmodif, e.ifRange},
		func(value string) bool {
			d, err := http.ParseTime(value)
			return err == nil && !slices.ContainsFunc([]string{http.TimeFormat, time.RFC850,
				time.ANSIC}, func(layout string) bool {
				return strings.EqualFold(d.UTC().Format(layout), strings.Replace(value, "GMT",
					"UTC", 1)) || strings.EqualFold(d.UTC().Format(layout), value)
			})
		})
}

func (e exchange) check(t *testing.T) {
	t.Helper()
	if e.lax() {
		return
	}
	std := e.standard(t)
	our, err := e.ours()
	if std.status == our.status && slices.Equal(std.parts, our.parts) {
		return
	}
	if !e.deviates(std, our, err) {
		t.Errorf("%+v\nServeContent: %+v\nours:         %+v (%v)", e, std, our, err)
	}
}

func TestAnswersLikeServeContent(t *testing.T) {
	random := rand.New(rand.NewPCG(9110, 13))
	pick := func(options ...string) string { return options[random.IntN(len(options))] }
	tag := func() string { return pick(`"a"`, `"b"`, `W/"a"`, `W/"b"`, `""`) }
	tags := func() string {
		s := pick("", "", "", "*", ",", tag(), tag(), "x", `"a`)
		for random.IntN(3) == 0 {
			s += pick(",", ", ", " ,, ", "") + tag()
		}
		return s
	}
	when := func() string {
		t := noon.Add(time.Duration(random.IntN(3)-1) * time.Second).UTC()
		return pick("", "", "", "x", t.Format(http.TimeFormat), t.Format(time.ANSIC),
			t.Format("Monday, 02-Jan-06 15:04:05 GMT"))
	}
	position := func() string {
		return pick("", "0", "1", "9", "10", "11", "x", "+1",
			"99999999999999999999")
	}
	for range race.Cases(50_000) {
		e := exchange{
			method: pick("GET", "GET", "GET", "HEAD", "POST"), etag: pick("", tag(), "a"),
			size:    random.IntN(12),
			ifMatch: tags(), ifNoneMatch: tags(), ifModified: when(), ifUnmodif: when(),
			ifRange: pick("", tag(), when()),
		}
		if random.IntN(4) > 0 {
			e.modified = noon.Unix()
		}
		if random.IntN(4) > 0 {
			e.ranges = pick("bytes=", "bytes=", "bytes=", "bytes=", "Bytes=", "items=", "")
			for range 1 + random.IntN(4) {
				e.ranges += pick("", " ") + position() + pick("-", "-", "-", "-", "", "--") +
					position() + pick(",", ", ", "")
			}
		}
		if random.IntN(2) > 0 { // else hardly any request gets as far as its Range
			e.ifMatch, e.ifNoneMatch, e.ifModified, e.ifUnmodif = "", "", "", ""
		}
		if e.method == "POST" {
			e.ranges = "" // ServeContent would honour it, a cache never gets there
		}
		if e.check(t); t.Failed() {
			return
		}
	}
}

func FuzzAnswersLikeServeContent(f *testing.F) {
	date := noon.Format(http.TimeFormat)
	f.Add(true, `"a"`, noon.Unix(), `"a"`, "", "", "", `"a"`, "bytes=0-1,5-", 10)
	f.Add(false, `W/"a"`, noon.Unix(), "", `"b", "a"`, date, date, date, "bytes=-3", 10)
	f.Add(true, "", int64(0), "", "", date, date, date, "bytes=20-", 10)
	f.Add(true, "", int64(1), "", "", "", "", "", "bytes=0-0"+strings.Repeat(",1-1", 64), 100)
	f.Add(true, "", int64(1), "", "", "", "", "", "BYtes="+strings.Repeat("-0,", 64)+"0", 53)
	f.Add(true, "", int64(1), "", "", "", "", "", "bytes=100-50", 0)
	f.Fuzz(func(t *testing.T, get bool, etag string, modified int64, im, inm, ims, ius, ir,
		ranges string, size int) {
		if modified < 0 || modified > 200_000_000_000 || size < 0 || size > 1<<16 {
			return
		}
		for _, value := range []string{etag, im, inm, ims, ius, ir, ranges} {
			// What net/http doesn't let through, neither as server nor as client.
			if strings.ContainsFunc(value, func(r rune) bool {
				return r < ' ' && r != '\t' ||
					r == 0x7f
			}) || strings.Trim(value, " \t") != value {
				return
			}
		}
		e := exchange{"GET", etag, modified, im, inm, ims, ius, ir, ranges, size}
		if !get {
			e.method = "HEAD"
		}
		e.check(t)
	})
}
