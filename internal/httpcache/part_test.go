package httpcache_test

import (
	"testing"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestParsePart_RFC9110_14_4(t *testing.T) {
	for _, tt := range []struct {
		field  string
		length int64
		want   httpcache.Part // zero: none
	}{
		{"bytes 0-4/10", 5, httpcache.Part{Start: 0, End: 5, Total: 10}},
		{"BYTES 5-9/10", 5, httpcache.Part{Start: 5, End: 10, Total: 10}},
		{"bytes 9-9/10", 1, httpcache.Part{Start: 9, End: 10, Total: 10}},
		{"bytes 0-9223372036854775805/9223372036854775806", 9223372036854775806,
			httpcache.Part{End: 9223372036854775806, Total: 9223372036854775806}},
		{field: "", length: 5},
		{field: "bytes 4-9/10", length: 5},
		{field: "bytes 0-4/10", length: 6},
		{field: "bytes 0-4/10", length: -1},
		{field: "bytes 0-4/*", length: 5},
		{field: "bytes */10", length: 0},
		{field: "bytes 4-0/10", length: 5},
		{field: "bytes 6-10/10", length: 5},
		{field: "bytes 0-4/4", length: 5},
		{field: "bytes=0-4/10", length: 5},
		{field: "octets 0-4/10", length: 5},
		{field: "bytes -0-4/10", length: 5},
		{field: "bytes 0-+4/10", length: 5},
		{field: "bytes 0-4", length: 5},
		{field: "bytes 0-4/10, bytes 5-9/10", length: 5},
		{field: "bytes 0-99999999999999999999/10", length: 5},
	} {
		got, ok := httpcache.ParsePart(head("Content-Range: "+tt.field), tt.length)
		if got != tt.want || ok != (tt.want != httpcache.Part{}) {
			t.Errorf("%q of %d: %v, %v", tt.field, tt.length, got, ok)
		}
	}
	if _, ok := httpcache.ParsePart(head("Content-Range: bytes 0-4/10",
		"Content-Range: bytes 5-9/10"), 5); ok {
		t.Error("two of them that differ")
	}
}

func TestPartAnswers_RFC9111_3_3(t *testing.T) {
	part := httpcache.Part{Start: 4, End: 9, Total: 10}
	for field, want := range map[string]httpcache.Range{
		"bytes=4-8": {Start: 4, Length: 5}, "bytes=5-6": {Start: 5, Length: 2},
		"bytes=8-8": {Start: 8, Length: 1},
		"bytes=4-9": {}, "bytes=3-5": {}, "bytes=0-": {}, "bytes=5-": {}, "bytes=-1": {},
		"bytes=-6": {}, "bytes=4-5,7-8": {}, "bytes=20-": {}, "lines=4-5": {}, "": {},
	} {
		got, ok := part.Of(head("Range: " + field))
		if got != want || ok != (want != httpcache.Range{}) || ok != part.Answers(head("Range: "+
			field)) {
			t.Errorf("%s: %v, %v", field, got, ok)
		}
	}
	if part.Answers(head("Range: bytes=4-8", `If-Range: "a"`)) {
		t.Error("If-Range")
	}
	twice := head("Range: bytes=4-8", "Range: bytes=4-8")
	if part.Answers(twice) || httpcache.SingleRange(twice) {
		t.Error("two lines")
	}
	if got, ok := (httpcache.Part{Start: 4, End: 10, Total: 10}).Of(head("Range: bytes=-5")); !ok ||
		got.Start != 5 {
		t.Errorf("a suffix: %v, %v", got, ok)
	}
}
