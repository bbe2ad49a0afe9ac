package httpcache

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/dunglas/httpsfv"
)

// QueryVariation is the meaning of No-Vary-Search for the query of a response's URI, a "URL
// variation config" in the words of draft-ietf-httpbis-no-vary-search-10, whose sections are cited
// here. The zero QueryVariation is the default: queries are compared as they are. It is a value
// that may be copied and used concurrently.
type QueryVariation struct {
	except   bool     // only the parameters in names matter; otherwise all but those
	anyOrder bool     // the order of parameters with different names doesn't matter
	names    []string // as appendComponent writes them, sorted, each once
}

// ParseQueryVariation reads No-Vary-Search (§5.2). If ok is false the field is absent, invalid or
// means the default, and s is the zero QueryVariation. Keys that the draft doesn't define are
// ignored (§3).
//
// Up to -05 of the draft, and in browsers and on servers that follow it, params could be a Boolean,
// which except came with: "params, except=("x")" is what "except=("x")" is by now. Both are
// understood.
func ParseQueryVariation(h http.Header) (s QueryVariation, ok bool) {
	dictionary := dictionaryOf(h["No-Vary-Search"])
	if dictionary == nil {
		return QueryVariation{}, false
	}
	if s, ok = parseVariation(dictionary); !ok || s.isDefault() {
		return QueryVariation{}, false
	}
	return s, true
}

// parseVariation is "parse a URL variation config" (§5.1).
func parseVariation(dictionary *httpsfv.Dictionary) (s QueryVariation, ok bool) {
	if member, present := dictionary.Get("key-order"); present {
		if s.anyOrder, ok = itemValue[bool](member); !ok {
			return s, false
		}
	}
	params, ignores := dictionary.Get("params")
	except, keeps := dictionary.Get("except")
	all, boolean := itemValue[bool](params) // the form up to -05
	switch {
	case ignores && keeps && !all:
		return s, false
	case keeps:
		s.except = true
		s.names, ok = parseKeys(except)
	case boolean:
		s.except, ok = all, true
	case ignores:
		s.names, ok = parseKeys(params)
	default:
		ok = true
	}
	return s, ok
}

// parseKeys applies "parse a key" (§5.3) to an inner list of Strings.
func parseKeys(member httpsfv.Member) (names []string, ok bool) {
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		return nil, false
	}
	for _, item := range list.Items {
		key, ok := item.Value.(string)
		if !ok {
			return nil, false
		}
		names = append(names, string(appendComponent(nil, key)))
	}
	slices.Sort(names)
	return slices.Compact(names), true
}

// Canonical returns a string for a query, without its question mark, such that two queries have
// equal strings if and only if they are equivalent under s (§6). It is itself a query, whose
// canonical string it is, but isn't meant to be sent.
func (s QueryVariation) Canonical(query string) string {
	if s.isDefault() {
		return query
	}
	buf := make([]byte, 0, len(query)+2)
	var room [16]parameter
	parameters := room[:0]
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		start := len(buf)
		buf = appendComponent(buf, name)
		encoded := buf[start:]
		if s.ignores(encoded) {
			buf = buf[:start]
			continue
		}
		buf = append(appendComponent(append(buf, '='), value), '&')
		parameters = append(parameters, parameter{encoded, buf[start:]})
	}
	if s.anyOrder {
		// §6 compares code units of decoded names, but any order of names distinguishes the same
		// queries. Those with the same name stay in their order.
		slices.SortStableFunc(parameters, func(a, b parameter) int {
			return bytes.Compare(a.name, b.name)
		})
	}
	var out strings.Builder
	out.Grow(len(buf))
	for _, p := range parameters {
		out.Write(p.text)
	}
	return strings.TrimSuffix(out.String(), "&")
}

// parameter is a part of a query: its text is "name=value&".
type parameter struct{ name, text []byte }

func (s QueryVariation) ignores(name []byte) bool {
	_, found := slices.BinarySearch(s.names, string(name))
	return found != s.except
}

func (s QueryVariation) isDefault() bool { return !s.except && !s.anyOrder && len(s.names) == 0 }
