package httpcache

import (
	"time"

	"github.com/dunglas/httpsfv"
)

// ParseTargeted reads the lines of one targeted field, CDN-Cache-Control for example (RFC 9213 §2).
// If ok is false the field is absent, empty or not a Dictionary, and has to be treated as if it
// weren't there (§2.1). Otherwise d stands in for Cache-Control and Expires (§2.2), even if it
// names no directive that is known here.
//
// Unlike in Cache-Control, a syntax error anywhere voids the field, names are in lower case only,
// and of a directive that is repeated the last one counts (RFC 9651 §4.2.2).
func ParseTargeted(lines []string) (d Directives, ok bool) {
	dictionary := dictionaryOf(lines)
	if dictionary == nil {
		return Directives{}, false
	}
	for k, name := range directiveNames { // §2.2: "unrecognised extension directives are ignored"
		if member, present := dictionary.Get(name); present {
			d.addMember(directive(k), member)
		}
	}
	return d, true
}

// addMember adds a directive whose value is a structured one. Parameters are ignored (RFC 9213
// §2.1).
func (d *Directives) addMember(k directive, member httpsfv.Member) {
	if k < deltas {
		// Anything but an Integer that isn't negative is left unconsumed (§2.1: no coercion). It
		// doesn't void the field, which §2.1 reserves for syntax errors and which would also throw
		// away a no-store beside it, nor is the directive as good as absent, for then heuristics
		// could make the response fresh: invalid freshness information makes it stale (RFC 9111
		// §4.2.1).
		n, ok := itemValue[int64](member)
		d.addDelta(k, time.Duration(min(n, maxDelta))*time.Second, ok && n >= 0)
		return
	}
	set, flag := itemValue[bool](member)
	if set || !flag { // "?0": the directive isn't there
		d.seen |= 1 << k
	}
	if !flag {
		// noCache and private may have field names, which count as none, as in Cache-Control. Any
		// other value of the wrong type isn't to be consumed (§2.1). That the directive is there is
		// plain, so what it forbids is forbidden. Several also permit something, as must-understand
		// does in company of no-store, and that they don't do: nor does any other directive of a
		// field whose sender got it wrong.
		d.broken = d.broken || k != noCache && k != private
	}
}

// dictionaryOf reads the lines of a Dictionary. It returns nil if that is absent, invalid or empty.
func dictionaryOf(lines []string) *httpsfv.Dictionary {
	if len(lines) == 0 { // the ordinary response
		return nil
	}
	dictionary, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil || len(dictionary.Names()) == 0 {
		return nil
	}
	return dictionary
}

// itemValue returns the value of a member that is an Item of type T, and not an inner list.
func itemValue[T any](member httpsfv.Member) (value T, ok bool) {
	item, _ := member.(httpsfv.Item)
	value, ok = item.Value.(T)
	return value, ok
}
