package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/fields"
)

// The encoding of a record: fields in a fixed order, numbers as varints, strings with their length
// before them. Times are sent as ages, since the clocks of two nodes differ. The key isn't sent:
// the requester knows it.

const codecVersion = 6

// maxLength is above all lengths of contents, so that offsets can be added to.
const maxLength = 1 << 60

func (r *Record) encode(now time.Time) []byte {
	b := make([]byte, 0, 512)
	b = append(b, codecVersion)
	b = appendString(b, cmp.Or(r.URL, r.Key))
	b = appendStrings(b, r.Vary)
	b = appendStrings(b, r.Groups)
	b = appendString(b, r.Variant)
	b = binary.AppendUvarint(b, r.Generation)
	b = appendString(b, r.Version)
	b = binary.AppendUvarint(b, r.Revision)
	b = binary.AppendVarint(b, int64(r.Status))
	b = appendFields(b, r.Head)
	b = appendHeader(b, r.Selecting())
	b = appendHeader(b, r.Trailer)
	for _, t := range []time.Time{r.RequestTime.Time(), r.ResponseTime.Time(), r.PassUntil.Time(), r.RetryAfter.Time()} {
		b = binary.AppendVarint(b, int64(now.Sub(t)))
	}
	for _, n := range []int64{r.Length, r.Part.Start, r.Part.End, r.Part.Total} {
		b = binary.AppendVarint(b, n)
	}
	b = appendFlags(b, r.flags())
	return appendString(b, string(r.content()))
}

func (r *Record) flags() []*bool {
	return []*bool{&r.Rangeable, &r.Resumable, &r.OneSlab, &r.Pass, &r.Fragments, &r.Undated, &r.HeadOnly}
}

var errEncoding = errors.New("not a record of this version")

// decode makes a record of b, which was encoded by any node. It has no Key yet and isn't prepared.
func decode(b []byte, now time.Time) (*Record, error) {
	d := decoder{b: b}
	r := NewRecord()
	if d.byte() != codecVersion {
		return nil, errEncoding
	}
	r.URL = d.string()
	r.Vary = d.strings()
	r.Groups = d.strings()
	r.Variant = d.string()
	r.Generation = d.uvarint()
	r.Version = d.string()
	r.Revision = d.uvarint()
	r.Status = int(d.varint())
	r.SetFields(d.fields())
	r.SetSelecting(d.header())
	if r.Trailer = d.header(); len(r.Trailer) == 0 {
		r.Trailer = nil
	}
	ago := func() time.Time { return now.Add(-time.Duration(d.varint())) }
	request, response := ago(), ago()
	r.SetTimes(request, response)
	r.PassUntil, r.RetryAfter = Until(ago()), Until(ago())
	for _, n := range []*int64{&r.Length, &r.Part.Start, &r.Part.End, &r.Part.Total} {
		*n = d.varint()
	}
	d.flags(r.flags())
	r.small = smallContent([]byte(d.string()))
	if d.bad || len(d.b) > 0 || r.Status < 200 || r.Status > 599 || r.Length < -1 || r.Length >= maxLength || !r.Part.holds(r.Length) || !r.keeps() {
		return nil, errEncoding
	}
	return r, nil
}

// holds reports whether p, if it is a part, is one of length bytes.
func (p Part) holds(length int64) bool {
	return p == Part{} || (p.Start >= 0 && p.Start < p.End && p.End <= p.Total && p.End-p.Start == length)
}

func appendFlags(b []byte, flags []*bool) []byte {
	for _, flag := range flags {
		if *flag {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

func appendHeader(b []byte, h http.Header) []byte {
	b = binary.AppendUvarint(b, uint64(len(h)))
	for name, values := range h {
		b = appendString(b, name)
		b = appendStrings(b, values)
	}
	return b
}

// appendFields appends fields that are packed, which takes less than to unpack them first.
func appendFields(b []byte, p fields.Packed) []byte {
	b = binary.AppendUvarint(b, uint64(p.Len()))
	for name, value := range p.All() {
		b = appendString(appendString(b, name), value)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// decoder takes apart b. Once something was wrong, all it returns is zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() {
	d.b, d.bad = nil, true
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) flags(flags []*bool) (ok bool) {
	for _, flag := range flags {
		*flag = d.byte() == 1
	}
	return !d.bad
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count is a length of what follows, which has at least a byte for each.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// header is what net/http has taken from a client or an origin, so it must be as that leaves it:
// else what one side takes for a field could be another message to the next.
func (d *decoder) header() http.Header {
	n := d.count()
	h := http.Header{}
	for range n {
		name := d.string()
		h[name] = d.strings()
		if d.bad || !fieldable(name, h[name]...) {
			d.fail()
			return nil
		}
	}
	return h
}

// fields reads what appendFields has written.
func (d *decoder) fields() http.Header {
	n := d.count()
	h := http.Header{}
	for range n {
		name, value := d.string(), d.string()
		if d.bad || !fieldable(name, value) {
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
	return name != "" && http.CanonicalHeaderKey(name) == name && !strings.ContainsAny(name, " :"+ends) &&
		!slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, ends) })
}

func (d *decoder) strings() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	var list []string
	for range n {
		if d.bad {
			return nil
		}
		list = append(list, d.string())
	}
	return list
}
