package site

import (
	"net/url"
	"slices"
	"strings"
)

// resolve reads v, a URL in a response of the origin that is relative to key's URL. The path of ref
// is as written. absolute: so is a host.
func (s *Site) resolve(v, key string) (ref *url.URL, absolute, ok bool) {
	u, err := url.Parse(v)
	if err != nil || v == "" {
		return nil, false, false
	}
	absolute = u.Scheme != "" || u.Host != "" || u.User != nil
	// The escapes of both paths are kept as they are written.
	at := s.Target(key)
	at.Path, at.RawPath = Spelling(at), ""
	u.Path, u.RawPath = Spelling(u), ""
	return at.ResolveReference(u), absolute, true
}

// ours reports whether ref is on the origin's host.
func (s *Site) ours(ref *url.URL) bool {
	return ref.Scheme == s.Base.Scheme && slices.Contains(s.hosts, host(ref))
}

// under returns the part of a path that follows the base's path, in any spelling.
func (s *Site) under(path string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, s.path); ok {
		return rest, true
	}
	return strings.CutPrefix(Canonical(path), Canonical(s.path))
}

// KeyFromOrigin returns the key of the resource that v names, a URL in a response of the origin,
// relative to the URL of key. ok is false if v isn't under the base.
func (s *Site) KeyFromOrigin(v, key string) (k string, ok bool) {
	ref, _, ok := s.resolve(v, key)
	if !ok || !s.ours(ref) {
		return "", false
	}
	rest, ok := s.under(ref.Path)
	if !ok {
		return "", false
	}
	k, err := s.keyOf(sendable(rest), sendable(ref.RawQuery), hasQuery(ref))
	return k, err == nil
}

// ForClients maps URLs that the origin has written, relative to the URL of key, for clients: what
// is under the base gets under the mount.
func (s *Site) ForClients(values []string, key string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = s.mapURL(v, key)
	}
	return out
}

// mapURL maps one URL for clients. A URL that isn't under the base stays as it is, unless a client
// would resolve it to another one. A URL with credentials stays as well, since a path can't carry
// them.
func (s *Site) mapURL(v, key string) string {
	ref, absolute, ok := s.resolve(v, key)
	if !ok || ref.User != nil || absolute && !s.ours(ref) {
		return v
	}
	to := s.Mount
	switch rest, under := s.under(ref.Path); {
	case under:
		if to += rest; strings.HasPrefix(to, "//") {
			to = "/." + to // two slashes would begin a host: RFC 3986 section 4.2
		}
	case ref.Path+"/" == s.path:
	case absolute:
		return v
	default:
		to = s.Base.Scheme + "://" + s.Base.Host + ref.Path
	}
	if hasQuery(ref) {
		to += "?" + ref.RawQuery
	}
	to = strings.ReplaceAll(to, "#", "%23") // from a client's path, where it begins no fragment
	if _, fragment, ok := strings.Cut(v, "#"); ok {
		to += "#" + fragment
	}
	return sendable(to)
}
