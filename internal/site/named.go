package site

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Operators name resources as clients ask for them: by a whole URL, whose host doesn't matter, or
// by a path from its first slash on. Where no resource is outside of the mount, they may leave out
// the slash, or the scheme of a whole URL.

// Named returns the key of the resource that an operator names. The error says what to write
// instead.
func (s *Site) Named(text string) (key string, err error) {
	u, err := s.parse(text)
	if err != nil {
		return "", err
	}
	switch s.Way(u) {
	case ToResource:
		key, err = s.KeyFromURL(u)
	case ToForm:
		key, err = KeyFromForm(u.RawQuery)
	default:
		err = s.elsewhere()
	}
	return key, err
}

// NamedPrefix returns the path, in keys, of what lies under a path that an operator names, by whole
// segments: "" for all. The error says what to write instead.
func (s *Site) NamedPrefix(text string) (path string, err error) {
	u, err := s.parse(text)
	switch {
	case err != nil:
		return "", err
	case hasQuery(u):
		return "", errors.New("a prefix has no query")
	case Spelling(u)+"/" == s.Mount:
		return "", nil
	case s.Way(u) != ToResource:
		return "", s.elsewhere()
	}
	return s.KeyFromURL(u)
}

func (s *Site) elsewhere() error {
	return fmt.Errorf("the resources that clients can ask for are under %s", s.Mount)
}

var errNamed = errors.New("write a URL such as http://HOST/PATH, or a path from its slash on")

// parse reads what an operator has written.
func (s *Site) parse(text string) (*url.URL, error) {
	if scheme, _, ok := strings.Cut(text, "://"); !ok || strings.Contains(scheme, "/") {
		text = s.rooted(text)
	}
	if text == "" || strings.Contains(text, "#") {
		return nil, errNamed
	}
	u, err := url.ParseRequestURI(text)
	if err != nil || u.User != nil || u.Opaque != "" ||
		u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
		return nil, errNamed
	}
	return u, nil
}

// rooted is text, which has no scheme, from the slash of its path on; "" if it isn't clear which
// one that is.
func (s *Site) rooted(text string) string {
	_, path, _ := strings.Cut(text, "/")
	switch path = "/" + path; {
	case strings.HasPrefix(text, "/"):
		return text
	case s.Mount == "/":
		return ""
	case strings.HasPrefix("/"+text+"/", s.Mount):
		return "/" + text
	case strings.HasPrefix(path+"/", s.Mount):
		return path
	}
	return ""
}
