// Package site is what belongs to one mount: the path under which clients find an origin's
// resources, the cache keys of these, and their URLs as the origin and as clients know them.
//
// The URLs of requests and what responses say go in; keys and URLs come out:
//
//	client ── URL, form ──► key ──► URL ──► origin
//	client ◄── URL ──────── key ◄── URL, No-Vary-Search ── origin
//
// Nothing else knows under which path the resources are. Nothing here does I/O. All functions and
// methods may be called concurrently.
package site

import (
	"net/url"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// Config says what a site is made of.
type Config struct {
	// Mount is the path under which clients find the resources, as ParseMount returns it.
	Mount string

	// Base is the URL under which the origin has them. Its path ends in a slash.
	Base *url.URL

	// Aliases are hosts, with ports, that mean the origin as well as Base's in the URLs that it
	// writes.
	Aliases []string

	// Policy is how its responses are stored and reused.
	Policy httpcache.Policy

	// GroupFields are the canonical names of fields that name cache groups besides Cache-Groups.
	GroupFields []string

	// NoVarySearch honours No-Vary-Search.
	NoVarySearch bool

	// Query says which fields of a query belong to a resource's key.
	Query QueryPolicy

	// KeyFields are the canonical names of request fields that select a stored response of any
	// resource, as if each response named them in Vary. DropFields are those of the fields that
	// nothing is known of but by the client: they select nothing, and the origin isn't sent them.
	// Both are sorted, and have each name once.
	KeyFields, DropFields []string
}

// Site is one mount. Its Config isn't to be changed.
type Site struct {
	Config

	path  string   // of Base, as it is written
	hosts []string // of the origin's URLs, in lower case, without the scheme's default port

	// The newest rules of the paths that were used lately. If two responses for a path are observed
	// at the same time, the older rule may stay. It only leads to a key where nothing is found.
	rules *lru.Cache[string, queryRule]
}

// New makes a site.
func New(c Config) *Site {
	s := &Site{Config: c, path: Spelling(c.Base)}
	s.rules, _ = lru.New[string, queryRule](maxPaths) // fails on a size of 0 only
	for _, h := range append([]string{c.Base.Host}, c.Aliases...) {
		s.hosts = append(s.hosts, host(&url.URL{Scheme: c.Base.Scheme, Host: h}))
	}
	return s
}

// host returns u's host and port, so that equal ones are equal strings.
func host(u *url.URL) string {
	h := strings.TrimSuffix(strings.ToLower(u.Host), defaultPorts[u.Scheme])
	return strings.TrimSuffix(h, ":") // RFC 3986 section 6.2.3
}

var defaultPorts = map[string]string{"http": ":80", "https": ":443"}
