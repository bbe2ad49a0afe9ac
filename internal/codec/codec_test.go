package codec

import (
	"encoding/binary"
	"net/http"
	"reflect"
	"testing"

	"github.com/scurrycache/scurry/internal/fields"
)

// TestWhatIsAppendedComesOut in its order, and nothing is left.
func TestWhatIsAppendedComesOut(t *testing.T) {
	header := http.Header{"A": {"1", "", "\xff"}, "B-C": {"x"}}
	yes, no := true, false
	b := AppendFlags(nil, []*bool{&yes, &no})
	b = AppendTexts(AppendText(b, "acorn"), []string{"", "nut"})
	b = AppendFields(AppendHeader(b, header), fields.Pack(header))
	b = binary.AppendUvarint(binary.AppendVarint(b, -1), 1<<63)
	d := Decoder{B: append(b, 'z')}
	var first, second bool
	if d.Flags([]*bool{&first, &second}); !first || second {
		t.Errorf("flags %v, %v", first, second)
	}
	if text, list := d.Text(), d.Texts(); text != "acorn" || !reflect.DeepEqual(list, []string{"", "nut"}) {
		t.Errorf("%q, %q", text, list)
	}
	if h, f := d.Header(), d.Fields(); !reflect.DeepEqual(h, header) || !reflect.DeepEqual(f, header) {
		t.Errorf("%v, %v", h, f)
	}
	if n, u := d.Varint(), d.Uvarint(); n != -1 || u != 1<<63 {
		t.Errorf("%d, %d", n, u)
	}
	if rest := d.Rest(); string(rest) != "z" || d.Bad || len(d.B) > 0 {
		t.Errorf("%q is left, %+v", rest, d)
	}
	if d.Byte() != 0 || !d.Bad || d.Text() != "" || d.Texts() != nil {
		t.Error("something came out of nothing")
	}
}

// FuzzDecoder: no bytes make it panic, or give more than they are worth.
func FuzzDecoder(f *testing.F) {
	f.Add(AppendTexts(nil, []string{"a", "b"}))
	f.Add(AppendHeader(nil, http.Header{"A": {"b"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(*Decoder) int{
			func(d *Decoder) int { return len(d.Text()) }, func(d *Decoder) int { return len(d.Texts()) },
			func(d *Decoder) int { return len(d.Header()) }, func(d *Decoder) int { return len(d.Fields()) },
		} {
			if d := (&Decoder{B: b}); read(d) > len(b) {
				t.Error("more came out than went in")
			}
		}
	})
}
