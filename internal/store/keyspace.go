package store

import (
	"cmp"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// Response is what a stored response says.
type Response = interface {
	// Header returns its fields, which aren't to be changed.
	Header() http.Header
}

// KeySpace knows the cache keys of resources. A resource is named by the key that its URL has by
// itself. The methods may be called concurrently.
type KeySpace interface {
	// CanonicalKey is the part of a cache key that decides on its owner, and that invalidations are
	// counted by: keys that may be for the same resource have the same.
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

func (c *Config) answers(rec *Record, asked string) bool {
	return c.Keys.Answers(rec, cmp.Or(rec.URL, rec.Key), asked)
}

func (c *Config) concerns(rec *Record, changed string) bool {
	return c.Keys.Concerns(rec, cmp.Or(rec.URL, rec.Key), changed)
}

// prepare makes rec one that requests can be answered from. It doesn't depend on the length, which
// may be learnt later.
func (c *Config) prepare(rec *Record) {
	if !rec.Pass && rec.Status == http.StatusOK {
		c.Keys.Observe(rec, rec.Key, rec.ResponseTime.Time())
	}
	facts := c.Policy.Facts(&httpcache.Response{
		Status: rec.Status, Header: rec.Header(), Undated: rec.Undated,
		RequestTime: rec.RequestTime.Time(), ResponseTime: rec.Received(),
	})
	rec.Facts = &facts
}

// usable reports whether rec, which is prepared, may answer a request with those fields, and if so,
// whether it is to be validated meanwhile, as refresh.
func (c *Config) usable(rec *Record, request http.Header) (usable, refresh bool) {
	use, usable := rec.Facts.Usable(request, c.Now(), rec.RetryAfter.Time())
	return usable, use.Verdict == httpcache.StaleMeanwhile
}
