package site

import (
	"net/url"
	"strings"
)

// Spelling returns u's path as it was written, which EscapedPath doesn't if it has a character that
// should be escaped.
func Spelling(u *url.URL) string {
	if u.RawPath != "" && !strings.Contains(u.RawPath, "?") {
		if path, err := url.PathUnescape(u.RawPath); err == nil && path == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// hasQuery reports whether u has a query, which may be empty.
func hasQuery(u *url.URL) bool { return u.RawQuery != "" || u.ForceQuery }

// Target returns the URL of the resource that key names, as the origin knows it. Its RawPath is as
// it is to be sent.
func (s *Site) Target(key string) *url.URL {
	u := *s.Base
	escaped, query, hasQuery := strings.Cut(key, "?")
	u.RawQuery, u.ForceQuery = query, hasQuery && query == ""
	u.RawPath = s.path + escaped
	u.Path, _ = url.PathUnescape(u.RawPath) // a key's escapes are right
	return &u
}

// Shown is u as it is written, without a password, for people.
func Shown(u *url.URL) string {
	path := Spelling(u)
	if path == u.EscapedPath() {
		return u.Redacted()
	}
	c := url.URL{Scheme: u.Scheme, Opaque: path, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}
	if u.Host != "" {
		c.Opaque = "//" + u.Host + path
	}
	return c.String()
}
