package codec

import (
	"math"
	"net/http"
	"reflect"
	"testing"

	"github.com/scurrycache/scurry/internal/fields"
)

// sample is a message that has one field of each kind.
type sample struct {
	yes, no    bool
	text       string
	texts      []string
	header     http.Header
	packed     fields.Packed
	int        int64
	unsigned   uint64
	small      uint8
	fixed      uint64
	pairs      [][2]int
	none       []string
	noneEither http.Header
}

func (s *sample) code(c *Coder) {
	c.Flags(&s.yes, &s.no)
	c.Text(&s.text)
	c.Texts(&s.texts)
	c.Header(&s.header)
	c.Packed(&s.packed)
	Int(c, &s.int)
	Int(c, &s.unsigned)
	Int(c, &s.small)
	Int(c, &s.fixed)
	for pair := range Each(c, &s.pairs) {
		Int(c, &pair[0])
		Int(c, &pair[1])
	}
	c.Texts(&s.none)
	c.Header(&s.noneEither)
}

func whole() *sample {
	header := http.Header{"A": {"1", "", "\xff"}, "B-C": {"x"}}
	return &sample{
		yes: true, text: "acorn", texts: []string{"", "nut"}, header: header,
		packed: fields.Pack(header),
		int:    -1, unsigned: 1 << 63, small: 255, fixed: math.MaxUint64, pairs: [][2]int{{1, 2},
			{3, -4}},
	}
}

// TestWhatIsWrittenIsRead in its order, and nothing is left.
func TestWhatIsWrittenIsRead(t *testing.T) {
	var w Coder
	whole().code(&w)
	r, got := Coder{B: append(w.B, 'z'), Reads: true}, &sample{no: true, none: []string{"x"}}
	if got.code(&r); r.Bad || !reflect.DeepEqual(got, whole()) {
		t.Errorf("%+v, bad %t; want %+v", got, r.Bad, whole())
	}
	if string(r.B) != "z" {
		t.Errorf("%q is left", r.B)
	}
	r.B = nil
	if got.code(&r); !r.Bad || !reflect.DeepEqual(got, &sample{}) {
		t.Errorf("out of nothing came %+v", got)
	}
}

// TestCutMessages: a message that ends early is bad, and what is wrong in it is zero.
func TestCutMessages(t *testing.T) {
	var w Coder
	whole().code(&w)
	for n := range w.B {
		r, got := Coder{B: w.B[:n], Reads: true}, &sample{}
		if got.code(&r); !r.Bad || got.noneEither != nil {
			t.Errorf("%d bytes of %d are taken for a message", n, len(w.B))
		}
	}
}

// TestNumbersThatDontFit: a number that its type can't hold isn't cut.
func TestNumbersThatDontFit(t *testing.T) {
	for _, n := range []int{256, -1, 1 << 40} {
		var w Coder
		Int(&w, &n)
		r, small := Coder{B: w.B, Reads: true}, uint8(7)
		if Int(&r, &small); !r.Bad || small != 0 {
			t.Errorf("%d is taken for %d", n, small)
		}
	}
}

// TestFieldsAreChecked: what net/http wouldn't have let in isn't taken.
func TestFieldsAreChecked(t *testing.T) {
	for _, h := range []http.Header{
		{"a": {"1"}}, {"": {"1"}}, {"A B": {"1"}}, {"A:": {"1"}}, {"A\r\nB": {"1"}},
		{"A": {"1\r\nB: 2"}}, {"A": {"1", "\x00"}},
	} {
		var w Coder
		w.Header(&h)
		r := Coder{B: w.B, Reads: true}
		var got http.Header
		if r.Header(&got); !r.Bad || got != nil {
			t.Errorf("%q: taken as %q", h, got)
		}
		packed := fields.Pack(h)
		var p Coder
		p.Packed(&packed)
		r = Coder{B: p.B, Reads: true}
		if r.Packed(&packed); !r.Bad || packed != "" {
			t.Errorf("%q: packed, it is taken as %q", h, packed)
		}
	}
}

// FuzzCoder: no bytes make it panic, or give more than they are worth.
func FuzzCoder(f *testing.F) {
	var w Coder
	whole().code(&w)
	f.Add(w.B)
	for _, seed := range []func(*Coder){
		func(c *Coder) { c.Texts(&[]string{"a", "b"}) },
		func(c *Coder) { c.Header(&http.Header{"A": {"b"}}) },
	} {
		var w Coder
		seed(&w)
		f.Add(w.B)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(*Coder) int{
			func(c *Coder) (n int) {
				var s string
				c.Text(&s)
				return len(s)
			},
			func(c *Coder) int {
				var list []string
				c.Texts(&list)
				return len(list)
			},
			func(c *Coder) int {
				var h http.Header
				c.Header(&h)
				return len(h)
			},
			func(c *Coder) int {
				var p fields.Packed
				c.Packed(&p)
				return len(p)
			},
			func(c *Coder) int {
				var s sample
				s.code(c)
				return len(s.text) + len(s.texts) + len(s.header) + len(s.packed) + len(s.pairs)
			},
		} {
			if read(&Coder{B: b, Reads: true}) > len(b) {
				t.Error("more came out than went in")
			}
		}
	})
}
