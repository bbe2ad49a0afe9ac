package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// A cache key is the escaped path under the mount and, if there is one, '?' and the query. The path is in one canonical
// escaping, the query is as it was sent: RFC 3986 section 6.2.2 says what may be changed in a URI without naming
// another resource. Unreserved characters are never escaped, hexadecimal digits are capitals, and what may not stand in
// a path is escaped; an escaped reserved character stays so, since it may mean another thing than the bare one.

// maxKey bounds keys. Longer URLs get a 414.
const maxKey = 8 << 10

var (
	errPath = errors.New("the path has dot segments, a backslash, a NUL or overlong UTF-8, or a bad escape")
	errLong = errors.New("the URL is too long")
)

// keyOf returns the cache key of the resource that an escaped path under the mount and a query name.
func keyOf(escaped, query string, hasQuery bool) (string, error) {
	if len(escaped)+1+len(query) > maxKey {
		return "", errLong
	}
	path, err := canonical(escaped)
	if err != nil {
		return "", err
	}
	if hasQuery {
		path += "?" + query
	}
	if len(path) > maxKey { // it has grown by its escapes
		return "", errLong
	}
	return path, nil
}

// keyOfDecoded returns the cache key of a path that isn't escaped: one whose every character but '/' means itself.
func keyOfDecoded(path string) (string, error) {
	if len(path) > maxKey {
		return "", errLong
	}
	var b strings.Builder
	for i := range len(path) {
		writeChar(&b, path[i], pathChar(path[i]))
	}
	return keyOf(b.String(), "", false)
}

// canonical brings an escaped path into its canonical escaping.
func canonical(escaped string) (string, error) {
	if isCanonical(escaped) {
		return escaped, safe(escaped, escaped)
	}
	var b, decoded strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c != '%' {
			writeChar(&b, c, pathChar(c))
			decoded.WriteByte(c)
			continue
		}
		if i+2 >= len(escaped) || unhex(escaped[i+1]) < 0 || unhex(escaped[i+2]) < 0 {
			return "", errPath
		}
		c = byte(unhex(escaped[i+1])<<4 | unhex(escaped[i+2]))
		i += 2
		writeChar(&b, c, unreserved(c))
		decoded.WriteByte(c)
	}
	return b.String(), safe(b.String(), decoded.String())
}

// isCanonical is canonical's quick way out: nothing is escaped, and nothing needs to be.
func isCanonical(escaped string) bool {
	for i := range len(escaped) {
		if !pathChar(escaped[i]) {
			return false
		}
	}
	return true
}

// safe refuses paths that could mean a place outside the origin's base to someone who reads them less strictly.
func safe(escaped, decoded string) error {
	if strings.ContainsAny(decoded, "\x00\\") || overlong(decoded) {
		return errPath
	}
	if !strings.Contains(escaped, ".") {
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

// overlong reports UTF-8 that encodes an ASCII character in more than one byte, of which decoders have made dots and
// slashes. Other bytes that aren't UTF-8 are let through: paths may be in another encoding.
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

// escapeQuery escapes what no request line can have in a query.
func escapeQuery(query string) string {
	if !strings.ContainsFunc(query, unsendable) {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		writeChar(&b, query[i], !unsendable(rune(query[i])))
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
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// pathChar is what may stand in a path as it is: pchar and '/' (RFC 3986 section 3.3).
func pathChar(c byte) bool {
	return unreserved(c) || strings.IndexByte("/!$&'()*+,;=:@", c) >= 0
}

// target returns the URL of the resource that key names, under base, whose path ends in a slash.
func target(base *url.URL, key string) *url.URL {
	u := *base
	escaped, query, hasQuery := strings.Cut(key, "?")
	u.RawQuery, u.ForceQuery = query, hasQuery && query == ""
	u.RawPath = base.EscapedPath() + escaped
	path, err := url.PathUnescape(u.RawPath)
	if err != nil { // a key's escapes are right
		path = u.RawPath
	}
	u.Path = path
	return &u
}

// keyFromRequest returns the key of a request under the mount.
func keyFromRequest(r *http.Request) (string, error) {
	escaped := strings.TrimPrefix(r.URL.EscapedPath(), mount)
	return keyOf(escaped, r.URL.RawQuery, r.URL.RawQuery != "" || r.URL.ForceQuery)
}
