package fastlane

import (
	"strings"
	"unsafe"
)

// plainTarget reports whether a target is in origin form and has only characters that stand for
// themselves.
func plainTarget(target []byte) bool {
	for _, c := range target {
		if !plain[c] {
			return false
		}
	}
	return len(target) > 0 && target[0] == '/'
}

// plain are the characters of a path or a query that need no escape (RFC 3986 section 3.3).
var plain = func() (set [256]bool) {
	const marks = "-._~!$&'()*+,;=:@/?"
	for c := range set {
		set[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c < 128 && strings.IndexByte(marks, byte(c)) >= 0
	}
	return set
}()

// plainValue reports whether a value is one that net/http takes as it stands.
func plainValue(value string) bool {
	notPrintable := func(c rune) bool { return c < ' ' || c > '~' }
	return value != "" && strings.Trim(value, " ") == value &&
		!strings.ContainsFunc(value, notPrintable)
}

// text is b as a string, for as long as b doesn't change.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
