package httpcache_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestAddConditions_RFC9111_4_3_1(t *testing.T) {
	modified := at(-time.Hour)
	tests := []struct {
		name   string
		stored http.Header
		want   http.Header
	}{
		{"none", head("Date: " + at(0)), nil},
		{"ETag", head(`Etag: "v1"`), head(`If-None-Match: "v1"`)},
		{"weak ETag", head(`Etag: W/"v1"`), head(`If-None-Match: W/"v1"`)},
		{"Last-Modified", head("Last-Modified: " + modified), head("If-Modified-Since: " +
			modified)},
		{"both", head(`Etag: ""`, "Last-Modified: "+modified), head(`If-None-Match: ""`,
			"If-Modified-Since: "+modified)},
		{"spelling kept", head("Last-Modified: Sun Nov  6 08:49:37 1994"),
			head("If-Modified-Since: Sun Nov  6 08:49:37 1994")},
		{"star", head("Etag: *"), nil},
		{"without quotes", head("Etag: v1"), nil},
		{"list", head(`Etag: "v1", "v2"`), nil},
		{"contradictory", head(`Etag: "v1"`, `Etag: "v2"`, "Last-Modified: "+modified),
			head("If-Modified-Since: " + modified)},
		{"not a date", head("Last-Modified: 0"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := head("Accept: a")
			ok := httpcache.AddConditions(dst, tt.stored)
			dst.Del("Accept")
			if ok != (tt.want != nil) || len(dst) != len(tt.want) || ok && !reflect.DeepEqual(dst,
				tt.want) {
				t.Errorf("got %v, %v, want %v", dst, ok, tt.want)
			}
		})
	}
}

func TestStripConditions_RFC9110_13_1(t *testing.T) {
	h := head("If-Match: *", "If-None-Match: *", "If-Modified-Since: x", "If-Unmodified-Since: x",
		"If-Range: x", "Range: x", "Accept: a")
	httpcache.StripConditions(h)
	if want := head("Accept: a"); !reflect.DeepEqual(h, want) {
		t.Errorf("left with %v", h)
	}
}

func TestConfirms_RFC9111_4_3_4(t *testing.T) {
	date := "Date: " + at(0)
	then, earlier := "Last-Modified: "+at(-time.Hour), "Last-Modified: "+at(-2*time.Hour)
	justNow := "Last-Modified: " + at(-time.Second)
	tests := []struct {
		name        string
		stored      http.Header
		notModified http.Header
		want        bool
	}{
		{"same strong ETag", head(`Etag: "a"`), head(`Etag: "a"`), true},
		{"another strong ETag", head(`Etag: "a"`), head(`Etag: "b"`), false},
		{"another strong ETag, same date", head(date, `Etag: "a"`, then), head(`Etag: "b"`, then),
			false},
		{"same strong ETag, another date", head(date, `Etag: "a"`, then), head(`Etag: "a"`,
			earlier), true},
		{"same weak ETag", head(`Etag: W/"a"`), head(`Etag: W/"a"`), true},
		{"another weak ETag", head(`Etag: W/"a"`), head(`Etag: W/"b"`), false},
		{"weakened", head(`Etag: "a"`), head(`Etag: W/"a"`), true},
		{"strengthened", head(`Etag: W/"a"`), head(`Etag: "a"`), true},
		{"strengthened, another date", head(`Etag: W/"a"`, then), head(`Etag: "a"`, earlier), true},
		{"strengthened, but another", head(`Etag: W/"a"`), head(`Etag: "b"`), false},
		{"same date", head(then), head(then), true},
		{"another date", head(then), head(earlier), false},
		{"new strong ETag, strong date", head(date, then), head(`Etag: "a"`, then), true},
		{"new strong ETag, weak date", head(date, justNow), head(`Etag: "a"`, justNow), false},
		{"new strong ETag, no date", head(date, then), head(`Etag: "a"`), false},
		{"new weak ETag, same date", head(date, justNow), head(`Etag: W/"a"`, justNow), true},
		{"new weak ETag, no date", head(then), head(`Etag: W/"a"`), false},
		{"ETag left out, same date", head(`Etag: "a"`, then), head(then), true},
		{"ETag left out, another date", head(`Etag: "a"`, then), head(earlier), false},
		{"new date only", head(`Etag: "a"`), head(then), false},
		{"no validator", head(`Etag: "a"`, then), head(date), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := httpcache.Confirms(tt.stored, tt.notModified); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestFreshen_RFC9111_3_2(t *testing.T) {
	tests := []struct {
		name        string
		stored      http.Header
		notModified http.Header
		want        http.Header
	}{
		{"added and replaced", head("A: 1", "A: 2", "B: 3"), head("A: 4", "C: 5"), head("A: 4",
			"B: 3", "C: 5")},
		{"Cache-Control replaced whole", head("Cache-Control: max-age=1", "Cache-Control: public"),
			head("Cache-Control: no-cache"), head("Cache-Control: no-cache")},
		{"Content-Type is a field like others", head("Content-Type: a"), head("Content-Type: b"),
			head("Content-Type: b")},
		{"what the bytes depend on", head("Content-Length: 5", "Content-Encoding: gzip"),
			head("Content-Length: 0", "Content-Encoding: br", "Content-Range: bytes 0-1/2"),
			head("Content-Length: 5", "Content-Encoding: gzip")},
		{"what the bytes don't have", head("A: 1"), head("Content-Length: 0",
			"Content-Encoding: br"), head("A: 1")},
		{"hop-by-hop §3.1", head("A: 1"), head("Connection: X-B", "X-B: 2",
			"Transfer-Encoding: chunked", "Keep-Alive: x"), head("A: 1")},
		{"Date and Age replaced", head("Date: x", "Age: 1"), head("Date: y", "Age: 2"),
			head("Date: y", "Age: 2")},
		{"Date and Age of the old message", head("Date: x", "Age: 1"), head("A: 1"), head("A: 1")},
		{"strong ETag stays", head(`Etag: "a"`), head(`Etag: W/"a"`), head(`Etag: "a"`)},
		{"weak ETag stays", head(`Etag: W/"a"`), head(`Etag: "a"`), head(`Etag: W/"a"`)},
		{"ETag added", head("A: 1"), head(`Etag: "a"`), head("A: 1", `Etag: "a"`)},
		{"ETag replaces one that is none", head("Etag: a"), head(`Etag: "a"`), head(`Etag: "a"`)},
		{"Set-Cookie", head("Set-Cookie: a"), head("Set-Cookie: b"), head("Set-Cookie: a")},
		{"Content-MD5", head("Content-Md5: a"), head("Content-Md5: b"), head("Content-Md5: a")},
		{"Vary", head("Vary: A"), head("Vary: B"), head("Vary: B")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stored, notModified := tt.stored.Clone(), tt.notModified.Clone()
			got := httpcache.Freshen(stored, notModified)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			for _, values := range got {
				values[0] = "overwritten"
			}
			if !reflect.DeepEqual(stored, tt.stored) || !reflect.DeepEqual(notModified,
				tt.notModified) {
				t.Errorf("the result shares values with an argument")
			}
		})
	}
}

// A validated response is young again, even if the 304 says nothing about time.
func TestFreshenedIsFresh_RFC9111_4_3_4(t *testing.T) {
	r := received(200, "Cache-Control: max-age=60", "Date: "+at(0), "Age: 50")
	later := noon.Add(time.Hour)
	r.Header = httpcache.Freshen(r.Header, http.Header{})
	r.RequestTime, r.ResponseTime = later, later
	f := httpcache.Policy{}.Facts(r)
	if got := f.Reuse(nil, later.Add(59*time.Second)); got.Verdict != httpcache.Fresh {
		t.Errorf("got %+v", got)
	}
}

func TestStrongETag_RFC9110_8_8_1(t *testing.T) {
	for etag, want := range map[string]bool{`"a"`: true, `""`: true, `W/"a"`: false, `w/"a"`: false,
		"a": false, "": false, `"a`: false, `"a b"`: false, "\"a\x7f\"": false} {
		if got := httpcache.StrongETag(http.Header{"Etag": {etag}}); want && got != etag || !want &&
			got != "" {
			t.Errorf("%q: got %q", etag, got)
		}
	}
	if httpcache.StrongETag(nil) != "" {
		t.Error("absent ETag is strong")
	}
}

func TestStrongLastModified_RFC9110_8_8_2_2(t *testing.T) {
	tests := []struct {
		name   string
		stored http.Header
		want   bool
	}{
		{"a minute before", head("Date: "+at(0), "Last-Modified: "+at(-time.Minute)), true},
		{"less", head("Date: "+at(0), "Last-Modified: "+at(-59*time.Second)), false},
		{"after", head("Date: "+at(0), "Last-Modified: "+at(time.Hour)), false},
		{"no Date", head("Last-Modified: " + at(-time.Hour)), false},
		{"malformed Date", head("Date: x", "Last-Modified: "+at(-time.Hour)), false},
		{"malformed", head("Date: "+at(0), "Last-Modified: x"), false},
		{"absent", head("Date: " + at(0)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := httpcache.StrongLastModified(tt.stored)
			if got != "" != tt.want || tt.want && got != tt.stored.Get("Last-Modified") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSettled_RFC9110_8_8_2_2(t *testing.T) {
	date := "Date: " + at(0)
	tests := []struct {
		name   string
		stored http.Header
		want   bool
	}{
		{"no Last-Modified", head(date, `Etag: "a"`), true},
		{"long ago", head(date, "Last-Modified: "+at(-time.Hour)), true},
		{"a second before", head(date, "Last-Modified: "+at(-time.Second)), true},
		{"the same second", head(date, "Last-Modified: "+at(0)), false},
		{"the same second, and an ETag", head(date, "Last-Modified: "+at(0), `Etag: "a"`), false},
		{"a second after", head(date, "Last-Modified: "+at(time.Second)), false},
		{"the Epoch", head(date, "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT"), true},
		{"no date", head(date, "Last-Modified: yesterday", `Etag: "a"`), true},
		{"unknown Date", head("Date: x", "Last-Modified: "+at(0)), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := httpcache.Settled(tt.stored); got != tt.want {
				t.Errorf("got %v", got)
			}
			h := http.Header{}
			if added := httpcache.AddConditions(h,
				tt.stored); added != httpcache.Validatable(tt.stored) || added != (len(h) > 0) ||
				added && !tt.want {
				t.Errorf("conditions %v", h)
			}
		})
	}
}
