package fields

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strings"
)

// Valid reports whether a field may have that name, which is to be canonical, and that value:
// net/http wouldn't take others from a client or an origin.
func Valid(name, value string) bool {
	return validName(name) && !strings.ContainsAny(value, ends)
}

// ends are what would end a field's line.
const ends = "\r\n\x00"

func validName(name string) bool {
	return number(name) > 0 || name != "" && http.CanonicalHeaderKey(name) == name &&
		!strings.ContainsAny(name, " :"+ends)
}

// Parse returns what another node has packed, which may be anything. ok is false unless all fields
// are valid, and in their order.
func Parse(b []byte) (p Packed, ok bool) {
	r, last := parser{rest: b}, ""
	p = Packed(b)
	for len(r.rest) > 0 {
		name := r.name()
		if !r.value() || !validName(name) || name < last {
			return "", false
		}
		last = name
	}
	return p, true
}

// parser reads packed fields that may be wrong.
type parser struct{ rest []byte }

// number reads a number, or returns more than there are bytes.
func (r *parser) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		return 1 << 63
	}
	r.rest = r.rest[size:]
	return n
}

// take reads n bytes, if there are so many.
func (r *parser) take(n uint64) ([]byte, bool) {
	if n > uint64(len(r.rest)) {
		return nil, false
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b, true
}

// name reads a name, or returns one that isn't valid.
func (r *parser) name() string {
	code := int(r.rest[0])
	r.rest = r.rest[1:]
	if code > 0 && code < len(usual) {
		return usual[code]
	}
	b, ok := r.take(r.number())
	if !ok || code > 0 || number(string(b)) > 0 {
		return ""
	}
	return string(b)
}

// value reads a value, and reports whether it is valid.
func (r *parser) value() bool {
	n := r.number()
	if n == isDate {
		return r.number() <= lastDate
	}
	b, ok := r.take(n >> 1)
	return ok && n&1 == 0 && !bytes.ContainsAny(b, ends)
}

// lastDate is the last second that the preferred format can write.
const lastDate = 253402300799
