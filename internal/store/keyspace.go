package store

import (
	"net/http"
	"time"
)

// Response is what a stored response says.
type Response = interface {
	// Header returns its fields, which aren't to be changed.
	Header() http.Header
}

// KeySpace knows the cache keys of resources. A resource is named by the key that its URL has by
// itself. The methods may be called concurrently.
type KeySpace interface {
	// CanonicalKey is the part of a cache key that decides on its owner, and that the invalidation
	// log has: keys that may be for the same resource have the same.
	CanonicalKey(key string) string

	// Keys are the cache keys under which a response for a resource may be stored, the likeliest
	// first.
	Keys(resource string) []string

	// KeyOf is the cache key under which a response with that header for that resource is stored.
	KeyOf(resource string, header http.Header) string

	// Answers reports whether a response for url, stored under one of asked's Keys, is for asked.
	Answers(r Response, url, asked string) bool

	// Concerns reports whether a response for url is for changed in any spelling of its URL: what
	// changes the one changes the other.
	Concerns(r Response, url, changed string) bool

	// Observe takes in what a response, received at that time and to be stored under key, says of
	// the keys of others.
	Observe(r Response, key string, at time.Time)

	// Check says what is wrong with a cache key that another node sent, if anything.
	Check(key string) error
}
