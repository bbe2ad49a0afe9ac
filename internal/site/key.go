package site

import "errors"

// A cache key is the path under the mount, without dot segments, and if there is one, '?' and the
// query, or what the policy leaves of it, both as the client spelled them: the origin gets that
// spelling, and its response may not hold for another one. The canonical form of a key has its path
// in one escaping, by the changes to a URI that RFC 3986 section 6.2.2 allows: unreserved
// characters are never escaped, hexadecimal digits are capitals, and characters that a path can't
// contain are escaped. An escaped reserved character stays escaped, since the bare one may have
// another meaning. All spellings with the same canonical form have the same owner, and are
// invalidated together.

// MaxKey bounds keys, and their canonical forms, in bytes.
const MaxKey = 8 << 10

// The errors of URLs that name no resource.
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
	key, ok := clean(escaped)
	if !ok {
		return "", errPath
	}
	if hasQuery {
		key += "?" + query
	}
	if len(Canonical(key)) > MaxKey { // escapes make it longer
		return "", ErrLong
	}
	return key, nil
}

// keyOfDecoded returns the cache key, which is canonical, of a path without escapes: each of its
// characters except '/' stands for itself.
func keyOfDecoded(path string) (string, error) { return keyOf(escape(path, pathChar), "", false) }
