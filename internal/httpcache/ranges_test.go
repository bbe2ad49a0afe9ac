package httpcache_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestParseRange_RFC9110_14_1_2(t *testing.T) {
	type list = []httpcache.Range
	huge := strings.Repeat("9", 40)
	tests := []struct {
		field string
		size  int64
		want  list
		err   error
	}{
		{"bytes=0-0", 10, list{{0, 1}}, nil},
		{"bytes=0-9", 10, list{{0, 10}}, nil},
		{"bytes=0-10", 10, list{{0, 10}}, nil},
		{"bytes=9-9", 10, list{{9, 1}}, nil},
		{"bytes=9-", 10, list{{9, 1}}, nil},
		{"bytes=3-", 10, list{{3, 7}}, nil},
		{"bytes=-1", 10, list{{9, 1}}, nil},
		{"bytes=-10", 10, list{{0, 10}}, nil},
		{"bytes=-11", 10, list{{0, 10}}, nil},
		{"BYTES=0-0", 10, list{{0, 1}}, nil},
		{"bytes=0-0,2-3", 10, list{{0, 1}, {2, 2}}, nil},
		{"bytes= ,\t0-0 ,, 2-3,", 10, list{{0, 1}, {2, 2}}, nil},
		{"bytes=5-6,0-9", 10, list{{5, 2}, {0, 10}}, nil},
		{"bytes=0-" + huge, 10, list{{0, 10}}, nil},
		{"bytes=-" + huge, 10, list{{0, 10}}, nil},
		{"bytes=00000000000000000000000000001-1", 10, list{{1, 1}}, nil},
		{"bytes=1-9223372036854775807", math.MaxInt64, list{{1, math.MaxInt64 - 1}}, nil},

		{"bytes=10-", 10, nil, httpcache.ErrUnsatisfiable},
		{"bytes=10-20", 10, nil, httpcache.ErrUnsatisfiable},
		{"bytes=" + huge + "-", 10, nil, httpcache.ErrUnsatisfiable},
		{"bytes=-0", 10, nil, httpcache.ErrUnsatisfiable},
		{"bytes=10-,-0", 10, nil, httpcache.ErrUnsatisfiable},
		{"bytes=10-,0-1,-0", 10, list{{0, 2}}, nil},

		{"bytes=0-0", 0, nil, nil},
		{"bytes=-5", 0, nil, nil},
		{"bytes=5-,7-", 0, nil, nil},
		{"bytes=x", 0, nil, httpcache.ErrMalformed},

		{"", 10, nil, httpcache.ErrMalformed},
		{"bytes", 10, nil, httpcache.ErrMalformed},
		{"bytes=", 10, nil, httpcache.ErrMalformed},
		{"bytes=,", 10, nil, httpcache.ErrMalformed},
		{"bytes =0-1", 10, nil, httpcache.ErrMalformed},
		{" bytes=0-1", 10, nil, httpcache.ErrMalformed},
		{"items=0-1", 10, nil, httpcache.ErrMalformed},
		{"bytes=-", 10, nil, httpcache.ErrMalformed},
		{"bytes=--1", 10, nil, httpcache.ErrMalformed},
		{"bytes=0", 10, nil, httpcache.ErrMalformed},
		{"bytes=+0-1", 10, nil, httpcache.ErrMalformed},
		{"bytes=0-+1", 10, nil, httpcache.ErrMalformed},
		{"bytes=0x0-1", 10, nil, httpcache.ErrMalformed},
		{"bytes=1-0", 10, nil, httpcache.ErrMalformed},
		{"bytes=100-50", 10, nil, httpcache.ErrMalformed},
		{"bytes=100-x", 10, nil, httpcache.ErrMalformed},
		{"bytes=0-1-2", 10, nil, httpcache.ErrMalformed},
		{"bytes=0-1,x", 10, nil, httpcache.ErrMalformed},
		{"bytes=0-1;2-3", 10, nil, httpcache.ErrMalformed},

		{"bytes=0-0" + strings.Repeat(",1-1", 64), 10, nil, httpcache.ErrTooMany},
		{"bytes=20-" + strings.Repeat(",20-", 64), 10, nil, httpcache.ErrTooMany},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			got, err := httpcache.ParseRange(tt.field, tt.size)
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tt.want, tt.err)
			}
		})
	}
	if got, err := httpcache.ParseRange("bytes=0-0"+strings.Repeat(",1-1", 63)+strings.Repeat(",",
		99), 10); len(got) != 64 || err != nil {
		t.Errorf("64 ranges: %d, %v", len(got), err)
	}
}

func TestContentRange_RFC9110_14_4(t *testing.T) {
	tests := []struct {
		r    httpcache.Range
		size int64
		want string
	}{
		{httpcache.Range{Start: 0, Length: 1}, 1, "bytes 0-0/1"},
		{httpcache.Range{Start: 42, Length: 1192}, 1234, "bytes 42-1233/1234"},
		{httpcache.Range{Start: math.MaxInt64 - 1, Length: 1}, math.MaxInt64,
			"bytes 9223372036854775806-9223372036854775806/9223372036854775807"},
	}
	for _, tt := range tests {
		if got := tt.r.ContentRange(tt.size); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestTotalLength(t *testing.T) {
	if got := httpcache.TotalLength(nil); got != 0 {
		t.Errorf("nothing: %d", got)
	}
	if got := httpcache.TotalLength([]httpcache.Range{{0, 3}, {1, 4}}); got != 7 {
		t.Errorf("two: %d", got)
	}
	if got := httpcache.TotalLength([]httpcache.Range{{0, math.MaxInt64}, {0, 1},
		{0, 2}}); got != math.MaxInt64 {
		t.Errorf("overflow: %d", got)
	}
}

func FuzzParseRange(f *testing.F) {
	f.Add("bytes=0-1, 5-, -3", int64(10))
	f.Add("bytes=9223372036854775807-9223372036854775808", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, field string, size int64) {
		size = max(size, 0)
		ranges, err := httpcache.ParseRange(field, size)
		if err != nil && ranges != nil || err == nil && len(ranges) == 0 && size > 0 ||
			len(ranges) > 64 {
			t.Errorf("%q of %d: %v, %v", field, size, ranges, err)
		}
		for _, r := range ranges {
			if r.Start < 0 || r.Length <= 0 || r.Start > size-r.Length {
				t.Errorf("%q of %d: %v", field, size, r)
			}
		}
	})
}

func BenchmarkParseRange(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := httpcache.ParseRange("bytes=1048576-2097151", 1<<30); err != nil {
			b.Fatal(err)
		}
	}
}
