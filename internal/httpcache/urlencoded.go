package httpcache

import "unicode/utf8"

// appendComponent appends a name or value of an application/x-www-form-urlencoded query, decoded as
// the WHATWG URL standard has it and encoded again in one particular way, so that equal components
// are equal bytes. Ill-formed UTF-8 becomes U+FFFD: queries that differ in nothing else are
// equivalent, which the draft leaves to the origin (§8).
func appendComponent(dst []byte, s string) []byte {
	var room [64]byte
	for decoded := appendUnescaped(room[:0], s); len(decoded) > 0; {
		char, size := utf8.DecodeRune(decoded)
		if char == utf8.RuneError && size == 1 {
			dst = append(dst, "%EF%BF%BD"...)
			size = illFormed(decoded)
		} else {
			dst = appendEscaped(dst, decoded[:size])
		}
		decoded = decoded[size:]
	}
	return dst
}

// appendUnescaped replaces "+" and decodes percent-encoded bytes. A percent sign without two
// hexadecimal digits is one.
func appendUnescaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) && hexDigit(s[i+1]) < 16 && hexDigit(s[i+2]) < 16 {
			c = hexDigit(s[i+1])<<4 | hexDigit(s[i+2])
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

// hexDigit returns the value of a hexadecimal digit, or 16.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// appendEscaped percent-encodes all but the unreserved characters (RFC 3986 §2.3).
func appendEscaped(dst, b []byte) []byte {
	const hexDigits = "0123456789ABCDEF"
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// illFormed returns how many of the bytes that begin b are replaced by a single U+FFFD: as many as
// could begin a character (the WHATWG Encoding standard's UTF-8 decoder), where Go counts each byte
// on its own.
func illFormed(b []byte) int {
	var more int
	low, high := byte(0x80), byte(0xBF) // of the second byte, which the first one may narrow
	switch first := b[0]; {
	case 0xC2 <= first && first <= 0xDF:
		more = 1
	case 0xE0 <= first && first <= 0xEF:
		more = 2
		if first == 0xE0 {
			low = 0xA0
		} else if first == 0xED {
			high = 0x9F
		}
	case 0xF0 <= first && first <= 0xF4:
		more = 3
		if first == 0xF0 {
			low = 0x90
		} else if first == 0xF4 {
			high = 0x8F
		}
	}
	n := 1
	for n <= more && n < len(b) && low <= b[n] && b[n] <= high {
		n++
		low, high = 0x80, 0xBF
	}
	return n
}
