package site

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

// MaxKey bounds keys, and their canonical forms, in bytes.
const MaxKey = 8 << 10

// What is wrong with a URL that names no resource.
var (
	// ErrLong is that a URL would have a key of more than MaxKey bytes.
	ErrLong = errors.New("the URL is too long")

	// ErrForm is that a query of /zk names nothing.
	ErrForm = errors.New("/zk needs a query such as ?key=1.txt")
)

// keyOf returns the cache key of the resource that an escaped path under the mount and a query
// name.
func keyOf(escaped, query string, hasQuery bool) (string, error) {
	if len(escaped)+1+len(query) > MaxKey {
		return "", ErrLong
	}
	decoded, err := url.PathUnescape(escaped)
	if err != nil || !safe(decoded) {
		return "", errPath
	}
	key := escaped
	if hasQuery {
		key += "?" + query
	}
	if len(Canonical(key)) > MaxKey { // it grows by its escapes
		return "", ErrLong
	}
	return key, nil
}

// keyOfDecoded returns the cache key, which is canonical, of a path that isn't escaped: one whose
// every character but '/' means itself.
func keyOfDecoded(path string) (string, error) {
	if len(path) > MaxKey {
		return "", ErrLong
	}
	var b strings.Builder
	for i := range len(path) {
		writeChar(&b, path[i], pathChar(path[i]))
	}
	return keyOf(b.String(), "", false)
}

// Canonical returns the canonical form of a cache key. Its query stays as it is.
func Canonical(key string) string {
	path, _, _ := strings.Cut(key, "?")
	if form := canonical(path); form != path {
		return form + key[len(path):]
	}
	return key
}
