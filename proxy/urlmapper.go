package proxy

import (
	"net/url"
	"slices"
	"strings"
)

// urlMapper maps the URLs of the origin to those that clients know: what is under the base is under
// the mount.
type urlMapper struct {
	base  *url.URL // ends in a slash
	path  string   // of the base, as it is written
	hosts []string // of URLs that mean the origin, in lower case, without the scheme's default port
}

func newURLMapper(c Config) *urlMapper {
	p := &urlMapper{base: c.base()}
	p.path = spelling(p.base)
	p.hosts = []string{host(p.base)}
	if o, ok := c.Origin.(interface{ Aliases() []string }); ok {
		for _, alias := range o.Aliases() {
			p.hosts = append(p.hosts, host(&url.URL{Scheme: p.base.Scheme, Host: alias}))
		}
	}
	return p
}

// host returns u's host and port, so that equal ones are equal strings.
func host(u *url.URL) string {
	h := strings.ToLower(u.Host)
	switch u.Scheme {
	case "http":
		h = strings.TrimSuffix(h, ":80")
	case "https":
		h = strings.TrimSuffix(h, ":443")
	}
	return strings.TrimSuffix(h, ":") // RFC 3986 section 6.2.3
}

// reference is what an origin has written in a field like Location.
type reference struct {
	*url.URL        // that it stands for
	path     string // of that URL, as it is written
	absolute bool   // it names a host itself
}

// resolve reads v, which is relative to key's URL.
func (p *urlMapper) resolve(v, key string) (ref reference, ok bool) {
	u, err := url.Parse(v)
	if err != nil || v == "" {
		return ref, false
	}
	ref.absolute = u.Scheme != "" || u.Host != "" || u.User != nil
	// As if no character of the paths were escaped, so that each stays as it is written.
	at := target(p.base, key)
	at.Path, at.RawPath = spelling(at), ""
	u.Path, u.RawPath = spelling(u), ""
	ref.URL = at.ResolveReference(u)
	ref.path = ref.Path
	return ref, true
}

// ours reports whether ref is on the origin's host.
func (p *urlMapper) ours(ref reference) bool {
	return ref.Scheme == p.base.Scheme && slices.Contains(p.hosts, host(ref.URL))
}

// under returns the part of a path that is under the base's, however that is spelled.
func (p *urlMapper) under(path string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, p.path); ok {
		return rest, true
	}
	return strings.CutPrefix(canonicalForm(path), canonicalForm(p.path))
}

// keyOf returns the cache key of the resource that the URL v names, which is relative to key's, if
// it is the origin's.
func (p *urlMapper) keyOf(v, key string) (string, bool) {
	ref, ok := p.resolve(v, key)
	if !ok || !p.ours(ref) {
		return "", false
	}
	rest, ok := p.under(ref.path)
	if !ok {
		return "", false
	}
	k, err := keyOf(sendable(rest), sendable(ref.RawQuery), ref.RawQuery != "" || ref.ForceQuery)
	return k, err == nil
}

// mapped returns the URLs in values, which are relative to key's, as clients are to see them.
func (p *urlMapper) mapped(values []string, key string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = p.mapURL(v, key)
	}
	return out
}

// mapURL returns v as clients are to see it. What isn't under the base stays as it is, unless it
// would mean something else when the client resolves it. Neither can a path say with which
// credentials to ask.
func (p *urlMapper) mapURL(v, key string) string {
	ref, ok := p.resolve(v, key)
	if !ok || ref.User != nil || ref.absolute && !p.ours(ref) {
		return v
	}
	to := mount
	switch rest, under := p.under(ref.path); {
	case under:
		to += rest
	case ref.path+"/" == p.path:
	case ref.absolute:
		return v
	default:
		to = p.base.Scheme + "://" + p.base.Host + ref.path
	}
	if ref.RawQuery != "" || ref.ForceQuery {
		to += "?" + ref.RawQuery
	}
	if _, fragment, ok := strings.Cut(v, "#"); ok {
		to += "#" + fragment
	}
	return sendable(to)
}
