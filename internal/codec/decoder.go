package codec

import (
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
)

// Decoder takes B apart. Once something was wrong, it is Bad and all that it returns is zero.
type Decoder struct {
	B   []byte
	Bad bool
}

func (d *Decoder) fail() {
	d.B, d.Bad = nil, true
}

// Byte is the next byte.
func (d *Decoder) Byte() byte {
	if len(d.B) == 0 {
		d.fail()
		return 0
	}
	c := d.B[0]
	d.B = d.B[1:]
	return c
}

// Flags sets flags as AppendFlags found them.
func (d *Decoder) Flags(flags []*bool) {
	for _, flag := range flags {
		*flag = d.Byte() == 1
	}
}

// Uvarint is a number without a sign.
func (d *Decoder) Uvarint() uint64 {
	v, n := binary.Uvarint(d.B)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.B = d.B[n:]
	return v
}

// Varint is a number.
func (d *Decoder) Varint() int64 {
	v, n := binary.Varint(d.B)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.B = d.B[n:]
	return v
}

// count is a length of what follows, which has at least a byte for each.
func (d *Decoder) count() int {
	n := d.Uvarint()
	if n > uint64(len(d.B)) {
		d.fail()
		return 0
	}
	return int(n)
}

// Text is what AppendText has appended.
func (d *Decoder) Text() string {
	n := d.count()
	s := string(d.B[:n])
	d.B = d.B[n:]
	return s
}

// Header is what net/http has taken from a client or an origin, so it must be as that leaves it:
// else what one side takes for a field could be another message to the next.
func (d *Decoder) Header() http.Header {
	n := d.count()
	h := http.Header{}
	for range n {
		name := d.Text()
		h[name] = d.Texts()
		if d.Bad || !fieldable(name, h[name]...) {
			d.fail()
			return nil
		}
	}
	return h
}

// Fields is what AppendFields has appended.
func (d *Decoder) Fields() http.Header {
	n := d.count()
	h := http.Header{}
	for range n {
		name, value := d.Text(), d.Text()
		if d.Bad || !fieldable(name, value) {
			d.fail()
			return nil
		}
		h[name] = append(h[name], value)
	}
	return h
}

// fieldable reports whether fields of that name may have those values.
func fieldable(name string, values ...string) bool {
	const ends = "\r\n\x00"
	return name != "" && http.CanonicalHeaderKey(name) == name &&
		!strings.ContainsAny(name, " :"+ends) &&
		!slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, ends) })
}

// Texts is what AppendTexts has appended.
func (d *Decoder) Texts() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	var list []string
	for range n {
		if d.Bad {
			return nil
		}
		list = append(list, d.Text())
	}
	return list
}

// Rest is all that is left.
func (d *Decoder) Rest() []byte {
	b := d.B
	d.B = nil
	return b
}
