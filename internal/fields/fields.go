// Package fields packs the header fields of a message into few bytes, for caches that keep tens of
// thousands of messages.
//
// An http.Header of eight fields takes about 1 kB: a map, a slice and a string for each. Packed,
// they are one string of about 90 bytes, without pointers: a byte for a name that is usual, the
// value with its length, and dates as numbers.
package fields

import (
	"encoding/binary"
	"iter"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Packed is header fields, one after the other, sorted by name. Equal headers are equal strings.
// The zero value has none.
//
// A field is its name and its value. The name is a byte that numbers it among the usual names, or
// 0, its length and itself. The value is twice its length and itself, or isDate and the seconds
// since 1970. Numbers are varints.
type Packed string

// isDate is what a value begins with that is a date in the preferred format. The lengths of others
// are even.
const isDate = 1

// Pack packs h, whose names are canonical. Names without values aren't fields, and left out.
func Pack(h http.Header) Packed {
	var room [1 << 10]byte
	b := room[:0]
	names := slices.AppendSeq(make([]string, 0, len(h)), maps.Keys(h))
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			b = appendValue(appendName(b, name), v)
		}
	}
	return Packed(b)
}

func appendName(b []byte, name string) []byte {
	if i := number(name); i > 0 {
		return append(b, byte(i))
	}
	b = binary.AppendUvarint(append(b, 0), uint64(len(name)))
	return append(b, name...)
}

func appendValue(b []byte, v string) []byte {
	if t, ok := date(v); ok {
		return binary.AppendUvarint(append(b, isDate), uint64(t.Unix()))
	}
	b = binary.AppendUvarint(b, uint64(len(v))<<1)
	return append(b, v...)
}

// date reads a date that is written in the preferred format to the letter (RFC 9110 section 5.6.7),
// so that the spelling follows from the time.
func date(v string) (time.Time, bool) {
	if len(v) != len(http.TimeFormat) || v[3] != ',' {
		return time.Time{}, false
	}
	t, err := time.Parse(http.TimeFormat, v)
	var room [len(http.TimeFormat)]byte
	if err != nil || t.Unix() < 0 || string(t.AppendFormat(room[:0], http.TimeFormat)) != v {
		return time.Time{}, false
	}
	return t, true
}

// All yields the fields in order: one pair for each value, those of a name in a row.
func (p Packed) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for r := (reader{string(p)}); r.rest != ""; {
			name := r.name()
			if !yield(name, r.value()) {
				return
			}
		}
	}
}

// Len is how many values p has, of all names together.
func (p Packed) Len() (n int) {
	for r := (reader{string(p)}); r.rest != ""; n++ {
		r.name()
		r.skip()
	}
	return n
}

// Get returns the first value of the field with that canonical name, or "".
func (p Packed) Get(name string) string {
	for r := (reader{string(p)}); r.rest != ""; {
		if r.name() == name {
			return r.value()
		}
		r.skip()
	}
	return ""
}

// usualFields is how many names few messages exceed. A name may have any number of values.
const usualFields = 32

// Header unpacks p. The result is the caller's own.
func (p Packed) Header() http.Header {
	n := p.Len()
	h, values := make(http.Header, min(n, usualFields)), make([]string, 0, n)
	for name, v := range p.All() {
		values = append(values, v)
		h[name] = values[len(values)-1-len(h[name]):] // the others of that name are just before it
	}
	for name, v := range h {
		h[name] = v[:len(v):len(v)] // so that appending to one doesn't write into the next
	}
	return h
}

// reader reads what Pack has made.
type reader struct{ rest string }

func (r *reader) number() uint64 {
	var v uint64
	for i := 0; ; i++ {
		c := r.rest[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
}

func (r *reader) take(n uint64) (s string) {
	s, r.rest = r.rest[:n], r.rest[n:]
	return s
}

func (r *reader) name() string {
	code := r.rest[0]
	r.rest = r.rest[1:]
	if code > 0 {
		return usual[code]
	}
	return r.take(r.number())
}

func (r *reader) value() string {
	n := r.number()
	if n == isDate {
		return time.Unix(int64(r.number()), 0).UTC().Format(http.TimeFormat)
	}
	return r.take(n >> 1)
}

func (r *reader) skip() {
	if n := r.number(); n == isDate {
		r.number()
	} else {
		r.take(n >> 1)
	}
}
