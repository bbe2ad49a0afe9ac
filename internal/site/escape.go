package site

import (
	"errors"
	"strings"
)

var errPath = errors.New(
	"the path has dot segments, a backslash, a NUL or overlong UTF-8, or a bad escape")

// normalize brings an escaped path into its canonical escaping, and decodes it.
func normalize(escaped string) (canonical, decoded string, err error) {
	if isPlain(escaped) {
		return escaped, escaped, nil
	}
	var b, d strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c != '%' {
			writeChar(&b, c, pathChar(c))
			d.WriteByte(c)
			continue
		}
		if c, err = unescape(escaped[i:]); err != nil {
			return "", "", err
		}
		i += 2
		writeChar(&b, c, unreserved(c))
		d.WriteByte(c)
	}
	return b.String(), d.String(), nil
}

// unescape returns the character that s, which begins with '%', begins with.
func unescape(s string) (byte, error) {
	if len(s) < 3 || unhex(s[1]) < 0 || unhex(s[2]) < 0 {
		return 0, errPath
	}
	return byte(unhex(s[1])<<4 | unhex(s[2])), nil
}

// isPlain is normalize's quick way out: nothing is escaped, and nothing needs to be.
func isPlain(escaped string) bool {
	for i := range len(escaped) {
		if !pathChar(escaped[i]) {
			return false
		}
	}
	return true
}

// isCanonical reports whether a path is in its canonical escaping.
func isCanonical(escaped string) bool {
	for i := 0; i < len(escaped); i++ {
		switch c := escaped[i]; {
		case pathChar(c):
		case c != '%':
			return false
		default:
			c, err := unescape(escaped[i:])
			if err != nil || unreserved(c) || strings.ToUpper(escaped[i:i+3]) != escaped[i:i+3] {
				return false
			}
			i += 2
		}
	}
	return true
}

// safe refuses paths that an origin which reads them less strictly could take to lie outside its
// base.
func safe(decoded string) error {
	if strings.ContainsAny(decoded, "\x00\\") || overlong(decoded) {
		return errPath
	}
	if !strings.Contains(decoded, ".") {
		return nil
	}
	// An escaped slash separates for some, so it does here.
	for segment := range strings.SplitSeq(decoded, "/") {
		if segment == "." || segment == ".." {
			return errPath
		}
	}
	return nil
}

// overlong reports UTF-8 that encodes an ASCII character in more than one byte, of which decoders
// have made dots and slashes. Other bytes that aren't UTF-8 are let through: paths may be in
// another encoding.
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

// sendable escapes what no request line can have in a path or a query.
func sendable(s string) string {
	if !strings.ContainsFunc(s, unsendable) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		writeChar(&b, s[i], !unsendable(rune(s[i])))
	}
	return b.String()
}

func unsendable(r rune) bool { return r <= ' ' || r == 0x7f }

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

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unreserved is RFC 3986 section 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// pathChar is what may stand in a path as it is: pchar and '/' (RFC 3986 section 3.3).
func pathChar(c byte) bool {
	return unreserved(c) || strings.IndexByte("/!$&'()*+,;=:@", c) >= 0
}
