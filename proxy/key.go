package proxy

import (
	"errors"
	"net/url"
	"strings"
)

// A cache key is the path under the mount and, if there is one, '?' and the query, both as the
// client spelled them: that is what the origin gets, and what it says of one spelling may not be
// true of another. The canonical form of a key has its path in one escaping, by what RFC 3986
// section 6.2.2 lets be changed in a URI without naming another resource: unreserved characters are
// never escaped, hexadecimal digits are capitals, and what may not stand in a path is escaped; an
// escaped reserved character stays so, since it may mean another thing than the bare one. All
// spellings that have the same canonical form have the same owner, and are invalidated together.

// maxKey bounds keys, and their canonical forms. Longer URLs get a 414.
const maxKey = 8 << 10

var (
	errPath = errors.New("the path has dot segments, a backslash, a NUL or overlong UTF-8, or a bad escape")
	errLong = errors.New("the URL is too long")
)

// keyOf returns the cache key of the resource that an escaped path under the mount and a query
// name.
func keyOf(escaped, query string, hasQuery bool) (string, error) {
	if len(escaped)+1+len(query) > maxKey {
		return "", errLong
	}
	path, decoded, err := normalize(escaped)
	if err == nil {
		err = safe(decoded)
	}
	if err != nil {
		return "", err
	}
	if hasQuery {
		query = "?" + query
	}
	if len(path)+len(query) > maxKey { // it grows by its escapes
		return "", errLong
	}
	return escaped + query, nil
}

// keyOfDecoded returns the cache key, which is canonical, of a path that isn't escaped: one whose
// every character but '/' means itself.
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

// canonicalForm returns the canonical form of a cache key. Its query stays as it is.
func canonicalForm(key string) string {
	path, query, hasQuery := strings.Cut(key, "?")
	if isCanonical(path) {
		return key
	}
	path, _, err := normalize(path)
	if err != nil { // it is no key
		return key
	}
	if hasQuery {
		path += "?" + query
	}
	return path
}

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
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// pathChar is what may stand in a path as it is: pchar and '/' (RFC 3986 section 3.3).
func pathChar(c byte) bool {
	return unreserved(c) || strings.IndexByte("/!$&'()*+,;=:@", c) >= 0
}

// spelling returns u's path as it was written, which EscapedPath doesn't if it has a character that
// should be escaped.
func spelling(u *url.URL) string {
	if u.RawPath != "" && !strings.Contains(u.RawPath, "?") {
		if path, err := url.PathUnescape(u.RawPath); err == nil && path == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// target returns the URL of the resource that key names, under base, whose path ends in a slash.
// Its RawPath is as it is to be sent.
func target(base *url.URL, key string) *url.URL {
	u := *base
	escaped, query, hasQuery := strings.Cut(key, "?")
	u.RawQuery, u.ForceQuery = query, hasQuery && query == ""
	u.RawPath = spelling(base) + escaped
	path, err := url.PathUnescape(u.RawPath)
	if err != nil { // a key's escapes are right
		path = u.RawPath
	}
	u.Path = path
	return &u
}

// shownURL is u as it is written, without a password, for people.
func shownURL(u *url.URL) string {
	path := spelling(u)
	if path == u.EscapedPath() {
		return u.Redacted()
	}
	c := url.URL{Scheme: u.Scheme, Opaque: path, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}
	if u.Host != "" {
		c.Opaque = "//" + u.Host + path
	}
	return c.String()
}

// keyFromURL returns the key of a URL under the mount.
func keyFromURL(u *url.URL) (string, error) {
	escaped := sendable(strings.TrimPrefix(spelling(u), mount))
	return keyOf(escaped, sendable(u.RawQuery), u.RawQuery != "" || u.ForceQuery)
}

// keyFromForm returns the key that the query of /zk names: the value of its first field "key",
// decoded as of a form. Unlike url.ParseQuery it takes ';' for itself.
func keyFromForm(query string) (string, error) {
	path, found := "", false
	for field := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(field, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return "", errForm
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return "", errForm
		}
		if name == "key" && !found {
			path, found = value, true
		}
	}
	if path == "" {
		return "", errForm
	}
	return keyOfDecoded(path)
}

// errForm is that a query of /zk names nothing.
var errForm = errors.New("/zk needs a query such as ?key=1.txt")
