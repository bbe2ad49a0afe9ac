package site

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

var errPath = errors.New("the path has escaped dot segments, or ones that lead out of the mount, " +
	"a backslash, a NUL or overlong UTF-8, or a bad escape")

// Canonical returns the canonical form of a cache key. Its query stays as it is.
func Canonical(key string) string {
	path, _, _ := strings.Cut(key, "?")
	if isCanonical(path) {
		return key
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if c, escaped := unescape(path[i:]); escaped {
			writeChar(&b, c, unreserved(c))
			i += 2
		} else {
			writeChar(&b, path[i], pathChar(path[i]))
		}
	}
	return b.String() + key[len(path):]
}

// isCanonical reports whether a path is in its canonical escaping.
func isCanonical(path string) bool {
	for i := 0; i < len(path); i++ {
		if pathChar(path[i]) {
			continue
		}
		c, escaped := unescape(path[i:])
		if !escaped || unreserved(c) || strings.ToUpper(path[i:i+3]) != path[i:i+3] {
			return false
		}
		i += 2
	}
	return true
}

// unescape returns the character that s begins with, if that is escaped.
func unescape(s string) (c byte, escaped bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}

// clean returns an escaped path without its dot segments (RFC 3986 section 5.2.4). It isn't ok if
// an origin, however lenient, could read the path as one outside its base: a dot segment leads out
// of it, or is escaped or beside an escaped slash, or other characters could stand for one.
func clean(escaped string) (path string, ok bool) {
	decoded, err := url.PathUnescape(escaped)
	switch {
	case err != nil, strings.ContainsAny(decoded, "\x00\\"), overlong(decoded):
		return "", false
	case !dotted(decoded): // the ordinary path
		return escaped, true
	}
	var kept []string
	last := ""
	for last = range strings.SplitSeq(escaped, "/") {
		meaning, _ := url.PathUnescape(last)
		switch {
		case last == ".":
		case last == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case dotted(meaning):
			return "", false
		default:
			kept = append(kept, last)
		}
	}
	if dotted(last) { // which stands for a folder
		kept = append(kept, "")
	}
	return strings.Join(kept, "/"), true
}

// dotted reports whether a path has dot segments.
func dotted(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// overlong reports whether s has an ASCII character in more than one byte of UTF-8: lenient
// decoders read such bytes as dots and slashes. Other bytes that aren't UTF-8 pass, since paths may
// be in another encoding.
func overlong(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		next := s[i+1]
		switch c := s[i]; {
		case next&0xC0 != 0x80:
		case c == 0xC0, c == 0xC1,
			c == 0xE0 && next < 0xA0 && i+2 < len(s) && s[i+2]&0xC0 == 0x80,
			c == 0xF0 && next < 0x90 && i+2 < len(s) && s[i+2]&0xC0 == 0x80:
			return true
		}
	}
	return false
}

// sendable escapes the characters of a path or a query that a request line can't contain.
func sendable(s string) string {
	if !strings.ContainsFunc(s, unsendable) {
		return s
	}
	return escape(s, func(c byte) bool { return !unsendable(rune(c)) })
}

func unsendable(r rune) bool { return r <= ' ' || r == 0x7f }

// escape escapes the characters of s that can't be bare.
func escape(s string, bare func(c byte) bool) string {
	var b strings.Builder
	for i := range len(s) {
		writeChar(&b, s[i], bare(s[i]))
	}
	return b.String()
}

func writeChar(b *strings.Builder, c byte, bare bool) {
	const hex = "0123456789ABCDEF"
	if bare {
		b.WriteByte(c)
		return
	}
	b.WriteByte('%')
	b.WriteByte(hex[c>>4])
	b.WriteByte(hex[c&15])
}

// unreserved reports whether c is unreserved (RFC 3986 section 2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// pathChar reports whether c needs no escape in a path: it is a pchar or '/' (RFC 3986 section
// 3.3).
func pathChar(c byte) bool {
	switch c { // a search in a string takes twice as long
	case '/', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@':
		return true
	}
	return unreserved(c)
}
