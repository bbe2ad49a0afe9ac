package site

import (
	"cmp"
	"net/url"
	"strings"
)

// Way is where the path of a client's request leads.
type Way int

// The ways that there are.
const (
	ToNothing  Way = iota
	ToResource     // KeyFromURL returns its key
	ToForm         // KeyFromForm returns the key of its resource
	ToMount        // the mount, to which the path only redirects
)

// Way returns where u's path leads.
func (s *Site) Way(u *url.URL) Way {
	switch path := cmp.Or(Spelling(u), "/"); { // RFC 9110 section 4.2.3
	case path == FormPath:
		return ToForm
	case strings.HasPrefix(path, s.Mount):
		return ToResource
	case path == "/", path+"/" == s.Mount:
		return ToMount
	}
	return ToNothing
}

// KeyFromURL returns the key of the resource that a client names by a URL under the mount. The
// error is ErrLong, or says what is wrong with the path.
func (s *Site) KeyFromURL(u *url.URL) (string, error) {
	escaped := sendable(strings.TrimPrefix(Spelling(u), s.Mount))
	return s.keyOf(escaped, sendable(u.RawQuery), hasQuery(u))
}

// PlainKey is KeyFromURL or KeyFromForm for a request target that has only characters which need no
// escape. It reports false for a target that leads elsewhere, or whose key they have to look at.
func (s *Site) PlainKey(target string) (key string, ok bool) {
	if key, ok = strings.CutPrefix(target, FormPath+"?key="); ok {
		return key, key != "" && len(key) <= MaxKey && !strings.ContainsAny(key, "&+?") &&
			!dotted(key)
	}
	key, ok = strings.CutPrefix(target, s.Mount)
	if !ok || len(key) > MaxKey {
		return "", false
	}
	path, query, has := strings.Cut(key, "?")
	if has && !s.Query.leaves() {
		switch reduced := s.Query.reduce(query); {
		case reduced == "":
			key = path
		case reduced != query:
			key = path + "?" + reduced
		}
	}
	return key, !dotted(path) && !(s.Mount == "/" && "/"+path == FormPath)
}

// KeyFromForm returns the key that the query of /zk names: the value of its first field "key",
// decoded as a form value. Unlike in url.ParseQuery, ';' is a character like others. The error
// is ErrForm, ErrLong, or says what is wrong with the path.
func KeyFromForm(query string) (string, error) {
	path, found := "", false
	for field := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(field, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return "", ErrForm
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return "", ErrForm
		}
		if name == "key" && !found {
			path, found = value, true
		}
	}
	if path == "" {
		return "", ErrForm
	}
	return keyOfDecoded(path)
}
