package httpcache

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendComponent appends a name or value of an application/x-www-form-urlencoded query, decoded as
// the WHATWG URL standard has it and encoded again in one particular way, so that equal components
// are equal bytes. Ill-formed UTF-8 becomes U+FFFD: queries that differ in nothing else are
// equivalent, which the draft leaves to the origin (§8).
func appendComponent(dst []byte, s string) []byte {
	var room [64]byte
	for decoded := appendUnescaped(room[:0], s); len(decoded) > 0; {
		char, size := utf8.DecodeRune(decoded)
		if char != utf8.RuneError || size > 1 {
			dst = appendEscaped(dst, decoded[:size])
		} else {
			// One U+FFFD replaces as many bytes as could begin a character (the WHATWG Encoding
			// standard's UTF-8 decoder), where Go counts each byte on its own.
			for size < len(decoded) && !utf8.FullRune(decoded[:size+1]) {
				size++
			}
			dst = append(dst, "%EF%BF%BD"...)
		}
		decoded = decoded[size:]
	}
	return dst
}

// appendUnescaped replaces "+" and decodes percent-encoded bytes. A percent sign without two
// hexadecimal digits is one.
func appendUnescaped(dst []byte, s string) []byte {
	for ; s != ""; s = s[1:] {
		c := s[0]
		if c == '+' {
			c = ' '
		} else if c == '%' && len(s) > 2 {
			if n, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				c, s = byte(n), s[2:]
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// appendEscaped percent-encodes all but the unreserved characters (RFC 3986 §2.3).
func appendEscaped(dst, b []byte) []byte {
	const hexDigits = "0123456789ABCDEF"
	for _, c := range b {
		if isAlphanumeric(c) || strings.IndexByte("-._~", c) >= 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}
