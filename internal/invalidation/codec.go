package invalidation

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Position is which entries a log has: of each issuer, all up to some number. It doesn't change.
// Positions of one node only grow, so that an earlier one is a safe stand-in for a later one.
type Position struct {
	known   [kinds]vector
	encoded []byte
}

// Append appends p's encoding.
func (p *Position) Append(b []byte) []byte { return append(b, p.encoded...) }

// Equal reports whether p and o are the same.
func (p *Position) Equal(o *Position) bool { return p == o || bytes.Equal(p.encoded, o.encoded) }

func (p *Position) encode() {
	for _, known := range p.known {
		p.encoded = known.append(p.encoded)
	}
}

// Numbers are below maxNumber, so that no node can be brought to the end of its counters; names of
// scopes, and vectors, are no longer than these.
const (
	maxNumber  = 1 << 60
	maxName    = 16 << 10
	maxIssuers = 1 << 16
)

var errEncoding = errors.New("no encoding of a part of an invalidation log")

func (v vector) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	for _, c := range v {
		b = binary.AppendUvarint(binary.BigEndian.AppendUint64(b, c.issuer), c.number)
	}
	return b
}

// DecodePosition decodes a position that b begins with, and returns what follows.
func DecodePosition(b []byte) (p *Position, rest []byte, err error) {
	d := decoder{b: b}
	p = d.position()
	if d.bad {
		return nil, nil, errEncoding
	}
	return p, d.b, nil
}

// AppendEntries appends the encoding of entries, with which a node tells others of them.
func AppendEntries(b []byte, entries []Entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	for _, e := range entries {
		b = e.append(b)
	}
	return b
}

func (e Entry) append(b []byte) []byte {
	b = append(b, byte(e.Kind)<<4|byte(e.Scope.field))
	b = binary.AppendUvarint(b, uint64(len(e.Scope.name)))
	b = append(b, e.Scope.name...)
	b = binary.AppendUvarint(b, e.Name.Time)
	b = binary.BigEndian.AppendUint64(b, e.Name.Issuer)
	return binary.AppendUvarint(b, e.Name.Number)
}

// DecodeEntries decodes entries that b begins with, and returns what follows.
func DecodeEntries(b []byte) (entries []Entry, rest []byte, err error) {
	d := decoder{b: b}
	entries = d.entries()
	if d.bad {
		return nil, nil, errEncoding
	}
	return entries, d.b, nil
}

// decoder takes what it decodes from the beginning of b.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.bad = nil, true
		return nil
	}
	taken := d.b[:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) issuer() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// number decodes a number up to most.
func (d *decoder) number(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > most {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) vector() vector {
	n := d.number(maxIssuers)
	if n == 0 || n > uint64(len(d.b)) {
		d.bad = d.bad || n > 0
		return nil
	}
	v := make(vector, 0, n)
	for range n {
		c := count{d.issuer(), d.number(maxNumber)}
		if d.bad || c.number == 0 || len(v) > 0 && v[len(v)-1].issuer >= c.issuer {
			d.b, d.bad = nil, true
			return nil
		}
		v = append(v, c)
	}
	return v
}

func (d *decoder) position() *Position {
	p := &Position{}
	for kind := range p.known {
		p.known[kind] = d.vector()
	}
	p.encode()
	return p
}

func (d *decoder) entries() []Entry {
	n := d.number(maxNumber)
	var entries []Entry
	for range n {
		e := d.entry()
		if d.bad {
			return nil
		}
		entries = append(entries, e)
	}
	return entries
}

func (d *decoder) entry() (e Entry) {
	what := d.byte()
	e.Kind, e.Scope.field = Kind(what>>4), field(what&0xf)
	e.Scope.name = string(d.take(d.number(maxName)))
	e.Name = Name{d.number(maxNumber), d.issuer(), d.number(maxNumber)}
	if e.Kind >= kinds || e.Scope.field >= fields || e.Name.Number == 0 ||
		e.Scope.field == all && e.Scope.name != "" ||
		e.Scope.field == prefix && e.Scope.name == "" {
		d.b, d.bad = nil, true
	}
	return e
}
