package store

import (
	"cmp"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// What the configured keys and policy say of records.

// in is the deadline that is d from now.
func (c *Config) in(d time.Duration) Deadline { return Until(c.Now().Add(d)) }

func (c *Config) answers(rec *Record, asked string) bool {
	return c.Keys.Answers(rec, cmp.Or(rec.URL, rec.Key), asked)
}

func (c *Config) concerns(rec *Record, changed string) bool {
	return c.Keys.Concerns(rec, cmp.Or(rec.URL, rec.Key), changed)
}

// prepare makes rec ready for answering requests. It doesn't depend on the length, which may be
// learnt later.
func (c *Config) prepare(rec *Record) {
	if !rec.Pass && rec.Status == http.StatusOK {
		c.Keys.Observe(rec, rec.Key, rec.ResponseTime.Time())
	}
	rec.Facts = c.Policy.Facts(&httpcache.Response{
		Status: rec.Status, Header: rec.Header(), Undated: rec.Undated,
		RequestTime: rec.RequestTime.Time(), ResponseTime: rec.Received(),
	})
	if rec.Expired != 0 {
		rec.expire(rec.Expired.Time())
	}
}

// usable reports whether rec, which is prepared, may answer a request with those fields. If it may,
// refresh reports whether it is to be validated in the background.
func (c *Config) usable(rec *Record, request http.Header) (usable, refresh bool) {
	use, usable := rec.Facts.Usable(request, c.Now(), rec.RetryAfter.Time())
	return usable, usable && use.Verdict == httpcache.StaleMeanwhile
}
