package httpcache

import "time"

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
