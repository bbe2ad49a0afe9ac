package httpcache

import (
	"fmt"
	"time"
)

// Said is a directive as it counts, such as "no-cache" or "max-age=60"; "" if it isn't there. One
// that takes seconds and isn't readable is shown without them.
func (d Directives) Said(name string) string {
	k, known := directiveNamed(name)
	if !known || !d.has(k) {
		return ""
	}
	if k < deltas {
		if seconds, _, valid := d.delta(k); valid && seconds != unlimited {
			return fmt.Sprintf("%s=%d", name, seconds/time.Second)
		}
	}
	return name
}

// Malformed names the fields of a response that can't be read. A field of directives then permits
// nothing, a directive counts as 0 seconds, Expires as past, and Date and Age are ignored.
func (p Policy) Malformed(r *Response) (names []string) {
	d, field := p.ResponseDirectives(r.Header)
	if d.broken {
		names = append(names, field)
	}
	for k, name := range directiveNames[:deltas] {
		if _, present, valid := d.delta(directive(k)); present && !valid {
			names = append(names, name)
		}
	}
	_, ok := parseDate(single(r.Header, "Expires"), r.ResponseTime)
	if len(r.Header["Expires"]) > 0 && !ok {
		names = append(names, "Expires")
	}
	if _, ok = httpDate(r.Header, "Date", r.ResponseTime); len(r.Header["Date"]) > 0 && !ok {
		names = append(names, "Date")
	}
	for age := range Members(r.Header["Age"]) {
		if _, ok := digits(age, maxDelta); !ok {
			names = append(names, "Age")
		}
		break // only the first one counts
	}
	return names
}
