package httpcache

import (
	"math"
	"net/http"
	"slices"
	"strings"
)

// Two requests whose Accept-Encoding or Accept-Language differ only in spelling get the same
// response, and a cache may treat them as matching (RFC 9111 §4.1: "normalizing both header field
// values in a way that is known to have identical semantics"). The forms written here are such
// fields themselves. A field that can't be read keeps its spelling, less whitespace
// (appendNormalized); as that never makes it readable, it differs from every form written here.

// preference is a member of such a field. Its weight is in the shortest form, so that weights
// compare as strings.
type preference struct{ name, weight string }

// maxPreferences bounds the comparing of members with one another. A longer field keeps its
// spelling.
const maxPreferences = 32

// appendAcceptEncoding appends a normal form of Accept-Encoding (RFC 9110 §12.5.3), in which the
// order of codings means nothing.
func appendAcceptEncoding(dst []byte, lines []string) []byte {
	return appendPreferences(dst, lines, codingName, func(a, b preference) int {
		return strings.Compare(a.name, b.name)
	})
}

// codingName is a content coding in lower case and without its alias. Codings are case-insensitive
// (§8.4.1), and have two aliases (§8.4.1.1, §8.4.1.3).
func codingName(coding string) (name string, ok bool) {
	switch name = strings.ToLower(coding); name {
	case "x-gzip", "x-compress":
		return name[2:], true
	}
	return name, IsToken(coding)
}

// appendAcceptLanguage appends a normal form of Accept-Language (RFC 9110 §12.5.4). Ranges are
// case-insensitive (RFC 4647 §2). Among ranges of equal weight order is kept, because some
// recipients treat it as priority (§12.5.4).
func appendAcceptLanguage(dst []byte, lines []string) []byte {
	return appendPreferences(dst, lines, languageRange, func(a, b preference) int {
		return strings.Compare(b.weight, a.weight)
	})
}

// languageRange names a range by itself. It takes what is a little wider than a basic language
// range (RFC 4647 §2.1), but has no character that it hasn't.
func languageRange(s string) (name string, ok bool) { return s, s == "*" || consistsOf(s, "-") }

// AcceptsCodings reports whether the request accepts the content codings of a response (RFC 9110
// §12.5.3). It is stricter than the RFC, by which a request without Accept-Encoding accepts all:
// here a request accepts a coding only if it names it.
func AcceptsCodings(request, response http.Header) bool {
	var room [maxPreferences]preference
	preferences, _ := parsePreferences(room[:0], request["Accept-Encoding"], codingName)
	coded := false
	for coding := range Members(response["Content-Encoding"]) {
		if coding, _ = codingName(coding); coding == "identity" {
			continue
		}
		if weightOf(preferences, coding) <= "0" {
			return false
		}
		coded = true
	}
	return coded || weightOf(preferences, "identity") != "0"
}

// weightOf is the weight of a coding, by its name or by "*", or empty if it isn't named.
func weightOf(preferences []preference, name string) (weight string) {
	for _, p := range preferences {
		switch p.name {
		case name:
			return p.weight
		case "*":
			weight = p.weight
		}
	}
	return weight
}

// appendPreferences appends the normal form of a field: its members in that order, under the names
// that named gives them if they are valid.
func appendPreferences(
	dst []byte, lines []string, named func(string) (name string, ok bool),
	order func(a, b preference) int,
) []byte {
	var room [maxPreferences]preference
	preferences, ok := parsePreferences(room[:0], lines, named)
	if !ok {
		return appendNormalized(dst, lines)
	}
	slices.SortStableFunc(preferences, order)
	for i, p := range preferences {
		if i > 0 {
			dst = append(dst, ',')
		}
		for i := range len(p.name) {
			dst = append(dst, lower(p.name[i]))
		}
		if p.weight != "1" {
			dst = append(append(dst, ";q="...), p.weight...)
		}
	}
	return dst
}

// parsePreferences appends the members of the lines to dst, under the names that named gives them
// if they are valid. A member that repeats an earlier one is left out. If two of them contradict
// each other it isn't ok: recipients may take the first, the last or the larger weight, so their
// order can mean something.
func parsePreferences(
	dst []preference, lines []string, named func(string) (name string, ok bool),
) ([]preference, bool) {
	members := 0
	for member := range Members(lines) {
		spelled, weight, weighted := strings.Cut(member, ";")
		name, ok := named(trimOWS(spelled))
		p := preference{name, "1"}
		if ok && weighted {
			p.weight, ok = parseWeight(trimOWS(weight))
		}
		if members++; !ok || members > maxPreferences {
			return nil, false
		}
		same := func(q preference) bool { return strings.EqualFold(q.name, name) }
		switch i := slices.IndexFunc(dst, same); {
		case i < 0:
			dst = append(dst, p)
		case dst[i].weight != p.weight:
			return nil, false
		}
	}
	return dst, true
}

// parseWeight reads a weight without its semicolon (RFC 9110 §12.4.2).
//
//	qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
func parseWeight(s string) (weight string, ok bool) {
	weight, ok = cutPrefixFold(s, "q=")
	whole, fraction, pointed := strings.Cut(weight, ".")
	_, numeric := digits(whole+fraction, math.MaxInt64)
	if pointed {
		weight = strings.TrimRight(strings.TrimRight(weight, "0"), ".")
	}
	return weight, ok && numeric && len(whole) == 1 && len(fraction) <= 3 && weight <= "1"
}
