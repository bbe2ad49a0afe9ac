package store

import (
	"net/http"
	"time"
)

// plainKeys is a KeySpace in which each resource has one key, and each key is a resource's.
type plainKeys struct {
	observe func() // is called by Observe, unless it is nil
}

func (*plainKeys) CanonicalKey(key string) string              { return key }
func (*plainKeys) Keys(resource string) []string               { return []string{resource} }
func (*plainKeys) KeyOf(resource string, _ http.Header) string { return resource }
func (*plainKeys) Answers(_ Response, url, asked string) bool  { return url == asked }
func (*plainKeys) Concerns(_ Response, url, other string) bool { return url == other }
func (*plainKeys) Check(string) error                          { return nil }
func (k *plainKeys) Observe(_ Response, _ string, _ time.Time) {
	if k.observe != nil {
		k.observe()
	}
}
