package proxy

import (
	"net/url"
	"slices"
	"strings"
)

// places are the URLs of the origin, and what clients know them as: what is under the base is under the mount.
type places struct {
	base  *url.URL // ends in a slash
	hosts []string // of URLs that mean the origin, in lower case, without the scheme's default port
}

func newPlaces(c Config) *places {
	p := &places{base: c.base()}
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
		return strings.TrimSuffix(h, ":80")
	case "https":
		return strings.TrimSuffix(h, ":443")
	}
	return h
}

// mapped returns the URLs in values, which are relative to key's, as clients are to see them.
func (p *places) mapped(values []string, key string) []string {
	at := target(p.base, key)
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = p.mapURL(v, at)
	}
	return out
}

// keyOf returns the cache key of the resource that the URL v names, which is relative to key's, if it is the origin's.
func (p *places) keyOf(v, key string) (string, bool) {
	ref, err := url.Parse(v)
	if err != nil || v == "" {
		return "", false
	}
	u := target(p.base, key).ResolveReference(ref)
	rest, under := strings.CutPrefix(u.EscapedPath(), p.base.EscapedPath())
	if !under || u.Scheme != p.base.Scheme || !slices.Contains(p.hosts, host(u)) {
		return "", false
	}
	k, err := keyOf(rest, escapeQuery(u.RawQuery), u.RawQuery != "" || u.ForceQuery)
	return k, err == nil
}

func (p *places) mapURL(v string, at *url.URL) string {
	ref, err := url.Parse(v)
	if err != nil {
		return v
	}
	u := at.ResolveReference(ref)
	if u.Scheme != p.base.Scheme || !slices.Contains(p.hosts, host(u)) {
		if ref.Scheme == "" { // it has a host only, and the origin's scheme
			return u.String()
		}
		return v
	}
	rest, under := strings.CutPrefix(u.EscapedPath(), p.base.EscapedPath())
	if !under && u.EscapedPath()+"/" != p.base.EscapedPath() {
		return u.String() // a relative one would mean another place when the client resolves it
	}
	to := url.URL{RawQuery: u.RawQuery, ForceQuery: u.ForceQuery, Fragment: u.Fragment, RawFragment: u.RawFragment}
	if to.RawPath = mount; under {
		to.RawPath += rest
	}
	if to.Path, err = url.PathUnescape(to.RawPath); err != nil {
		return v
	}
	return to.String()
}
