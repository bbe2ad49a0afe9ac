package httpcache

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Two requests whose Accept-Encoding or Accept-Language differ only in spelling get the same
// response, and a cache may treat them as matching (RFC 9111 §4.1: "normalizing both header field
// values in a way that is known to have identical semantics"). The forms written here are such
// fields themselves. A field that can't be read keeps its spelling, less whitespace
// (appendNormalized); as that never makes it readable, it differs from every form written here.

// preference is a member of such a field.
type preference struct {
	name   string
	weight int // in thousandths
}

// maxPreferences bounds the comparing of members with one another. A longer field keeps its
// spelling.
const maxPreferences = 32

// appendAcceptEncoding appends a normal form of Accept-Encoding (RFC 9110 §12.5.3), in which the
// order of codings means nothing.
func appendAcceptEncoding(dst []byte, lines []string) []byte {
	var room [maxPreferences]preference
	preferences, ok := acceptEncoding(room[:0], lines)
	if !ok {
		return appendNormalized(dst, lines)
	}
	slices.SortFunc(preferences, func(a, b preference) int { return cmp.Compare(a.name, b.name) })
	return appendPreferences(dst, preferences)
}

// acceptEncoding reads Accept-Encoding into dst. Each coding is there once.
func acceptEncoding(dst []preference, lines []string) ([]preference, bool) {
	return parsePreferences(dst, lines, func(coding string) (name string, ok bool) {
		return codingName(coding), IsToken(coding)
	})
}

// codingName is a content coding in lower case and without its alias. Codings are case-insensitive
// (§8.4.1), and have two aliases (§8.4.1.1, §8.4.1.3).
func codingName(name string) string {
	switch name = strings.ToLower(name); name {
	case "x-gzip":
		return "gzip"
	case "x-compress":
		return "compress"
	}
	return name
}

// AcceptsCodings reports whether the request accepts the content codings of a response (RFC 9110
// §12.5.3). It is stricter than the RFC, by which a request without Accept-Encoding accepts all:
// here a request accepts a coding only if it names it.
func AcceptsCodings(request, response http.Header) bool {
	var room [maxPreferences]preference
	preferences, _ := acceptEncoding(room[:0], request["Accept-Encoding"])
	coded := false
	for coding := range Members(response["Content-Encoding"]) {
		if coding = codingName(coding); coding == "identity" {
			continue
		}
		if weightOf(preferences, coding) <= 0 {
			return false
		}
		coded = true
	}
	return coded || weightOf(preferences, "identity") != 0
}

// weightOf is the weight of a coding, by its name or by "*", or -1 if it isn't named.
func weightOf(preferences []preference, name string) (weight int) {
	weight = -1
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

// appendAcceptLanguage appends a normal form of Accept-Language (RFC 9110 §12.5.4). Ranges are
// case-insensitive (RFC 4647 §2). Among ranges of equal weight order is kept, because some
// recipients treat it as priority (§12.5.4).
func appendAcceptLanguage(dst []byte, lines []string) []byte {
	var room [maxPreferences]preference
	preferences, ok := parsePreferences(room[:0], lines, languageRange)
	if !ok {
		return appendNormalized(dst, lines)
	}
	slices.SortStableFunc(preferences, func(a, b preference) int {
		return cmp.Compare(b.weight, a.weight)
	})
	return appendPreferences(dst, preferences)
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
		p := preference{name, 1000}
		if ok && weighted {
			p.weight, ok = parseWeight(trimOWS(weight))
		}
		if members++; !ok || members > maxPreferences {
			return nil, false
		}
		same := func(q preference) bool { return strings.EqualFold(q.name, name) }
		i := slices.IndexFunc(dst, same)
		switch {
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
func parseWeight(s string) (thousandths int, ok bool) {
	number, ok := cutPrefixFold(s, "q=")
	whole, fraction, _ := strings.Cut(number, ".")
	if !ok || whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0, false
	}
	thousandths = int(whole[0]-'0') * 1000
	unit := 100
	for _, digit := range []byte(fraction) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		thousandths += int(digit-'0') * unit
		unit /= 10
	}
	return thousandths, thousandths <= 1000
}

// languageRange names a range by itself. It takes what is a little wider than a basic language
// range (RFC 4647 §2.1), but has no character that it hasn't.
func languageRange(s string) (name string, ok bool) {
	if s == "*" {
		return s, true
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' {
			return "", false
		}
	}
	return s, s != ""
}

func appendPreferences(dst []byte, preferences []preference) []byte {
	for i, p := range preferences {
		if i > 0 {
			dst = append(dst, ',')
		}
		for i := range len(p.name) {
			dst = append(dst, lower(p.name[i]))
		}
		if p.weight == 1000 {
			continue
		}
		dst = append(dst, ";q=0"...)
		if p.weight > 0 {
			dst = append(dst, '.')
		}
		for rest := p.weight; rest > 0; rest = rest * 10 % 1000 {
			dst = append(dst, '0'+byte(rest/100))
		}
	}
	return dst
}
