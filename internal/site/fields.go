package site

import (
	"maps"
	"net/http"
	"slices"
)

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
