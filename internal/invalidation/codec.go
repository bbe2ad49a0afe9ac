package invalidation

import (
	"github.com/scurrycache/scurry/internal/codec"
)

// Position is which entries a log has: of each issuer, all up to some number. It doesn't change.
// Positions of one node only grow, so that an earlier one is a safe stand-in for a later one.
type Position struct{ known [kinds]vector }

func (p *Position) covers(o *Position) bool {
	for kind := range p.known {
		if !p.known[kind].covers(o.known[kind]) {
			return false
		}
	}
	return true
}

// CodePosition codes a position. Nil is written as that of a node which knows nothing.
func CodePosition(c *codec.Coder, p **Position) {
	q := &Position{}
	if c.Reads {
		*p = q
	} else if *p != nil {
		q = *p
	}
	for kind := range q.known {
		q.known[kind].code(c)
	}
}

// Numbers are below maxNumber, so that no node can be brought to the end of its counters; names of
// scopes, and vectors, are no longer than these.
const (
	maxNumber  = 1 << 60
	maxName    = 16 << 10
	maxIssuers = 1 << 16
)

// number codes a number from least on.
func number(c *codec.Coder, n *uint64, least uint64) {
	if codec.Int(c, n); c.Reads && (*n < least || *n > maxNumber) {
		c.Fail()
	}
}

// code codes v. The issuers have to be in their order.
func (v *vector) code(c *codec.Coder) {
	for n := range codec.Each(c, (*[]count)(v)) {
		codec.Int(c, &n.issuer)
		number(c, &n.number, 1)
	}
	if !c.Reads { // others may be reading it
		return
	}
	for i := range *v {
		if i > 0 && (*v)[i-1].issuer >= (*v)[i].issuer || i == maxIssuers {
			c.Fail()
			*v = nil
			return
		}
	}
}

// CodeEntries codes entries, with which a node tells others of them.
func CodeEntries(c *codec.Coder, entries *[]Entry) {
	for e := range codec.Each(c, entries) {
		codec.Int(c, &e.Kind)
		codec.Int(c, &e.Scope.field)
		c.Text(&e.Scope.name)
		number(c, &e.Name.Time, 0)
		codec.Int(c, &e.Name.Issuer)
		if number(c, &e.Name.Number, 1); c.Reads && !e.valid() {
			c.Fail()
		}
	}
}

// valid reports whether a log may have e.
func (e *Entry) valid() bool {
	s := e.Scope
	return e.Kind < kinds && s.field < fields && len(s.name) <= maxName &&
		(s.field != all || s.name == "") && (s.field != prefix || s.name != "")
}
