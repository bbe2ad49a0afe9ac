package httpcache

import (
	"fmt"
	"strings"
	"time"
)

// Seconds is delta of the directive with that name.
func (d Directives) Seconds(name string) (seconds time.Duration, present, valid bool) {
	k, ok := directiveNamed(name)
	if !ok || k >= deltas {
		return 0, ok && d.has(k), false
	}
	return d.delta(k)
}

// Lifetime is lifetime, and whether the origin stated it.
func (p Policy) Lifetime(r *Response) (lifetime time.Duration, explicit bool) {
	f := p.Facts(r)
	return f.Lifetime, f.Source.Explicit()
}

// String returns a field value that means s. Equal ones have the same, the zero QueryVariation has
// an empty one.
func (s QueryVariation) String() string {
	var members []string
	if s.anyOrder {
		members = append(members, "key-order")
	}
	if s.except || len(s.names) > 0 {
		key := "params"
		if s.except {
			key = "except"
		}
		names := strings.Trim(fmt.Sprintf("%q", s.names), "[]")
		members = append(members, key+"=("+names+")")
	}
	return strings.Join(members, ", ")
}
