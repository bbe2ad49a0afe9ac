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
