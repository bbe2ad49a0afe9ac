package site

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// FormPath is the path of requests that name a resource by a form value.
const FormPath = "/zk"

// ParseMount returns path as the path of a mount, with a slash at its end. The error says why it
// can't be one. Segments have unreserved characters only, so that a mount has one spelling.
func ParseMount(path string) (string, error) {
	mount := strings.TrimSuffix(path, "/") + "/"
	switch {
	case !strings.HasPrefix(path, "/"):
		return "", errors.New("a mount begins with a slash, such as /files/")
	case strings.Contains(path, "//"):
		return "", errors.New("a mount has one slash between two segments")
	case dotted(path):
		return "", errors.New("a mount has no dot segments")
	case strings.ContainsFunc(path, unfit):
		return "", errors.New("a mount consists of letters, digits, '-', '.', '_', '~' and slashes")
	case mount == FormPath+"/":
		return "", errors.New(FormPath +
			" is where resources are asked for by name: mount elsewhere")
	}
	return mount, nil
}

// unfit reports whether r can't be in the path of a mount.
func unfit(r rune) bool { return r > '~' || r != '/' && !unreserved(byte(r)) }

// keyOf is the function keyOf with what the site's policy leaves of the query.
func (s *Site) keyOf(escaped, query string, hasQuery bool) (string, error) {
	if hasQuery && !s.Query.leaves() {
		query = s.Query.reduce(query)
		hasQuery = query != ""
	}
	return keyOf(escaped, query, hasQuery)
}

// Strip returns the header of a client's request without the fields that are dropped. It doesn't
// change h, and returns it if it has none of these.
func (s *Site) Strip(h http.Header) http.Header {
	drops := func(name string) bool { return len(h[name]) > 0 }
	if len(s.DropFields) == 0 || !slices.ContainsFunc(s.DropFields, drops) {
		return h
	}
	h = maps.Clone(h)
	for _, name := range s.DropFields {
		delete(h, name)
	}
	return h
}

// Keyed reports whether the field with that canonical name belongs to the key.
func (s *Site) Keyed(name string) bool { return slices.Contains(s.KeyFields, name) }
