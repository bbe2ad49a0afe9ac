package site

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

func TestQueryPolicy(t *testing.T) {
	all, none, some := QueryPolicy{}, QueryPolicy{Keep: []string{}}, QueryPolicy{Keep: []string{"a",
		"b c", "é"}}
	sorted, both := QueryPolicy{Sort: true}, QueryPolicy{Keep: []string{"a", "b c", "é"},
		Sort: true}
	for _, tt := range []struct {
		policy      QueryPolicy
		query, want string
	}{
		{all, "", ""}, {all, "b&&a=1&", "b&&a=1&"},
		{none, "", ""}, {none, "a=1&b", ""},
		{some, "a=1", "a=1"}, {some, "x=1&a=1&y&a=2&&", "a=1&a=2"}, {some, "x", ""}, {some, "A=1",
			""},
		{some, "b+c=1&b%20c=2&b c=3&%61=4", "b+c=1&b%20c=2&b c=3&%61=4"},
		{some, "%C3%A9=1&%zz=2&%E9=3", "%C3%A9=1"},
		{some, "a", "a"}, {some, "a=1;x=2", "a=1;x=2"}, {some, "=1&a=", "a="},
		{sorted, "b=1&a=2&a=1&c", "a=2&a=1&b=1&c"}, {sorted, "a&b", "a&b"}, {sorted, "%62=1&a=2",
			"a=2&%62=1"}, {sorted, "&", ""},
		{both, "é=1&x&b+c=2&a=3", "a=3&b+c=2&é=1"},
	} {
		if got := tt.policy.reduce(tt.query); got != tt.want {
			t.Errorf("%+v leaves %q of %q, want %q", tt.policy, got, tt.query, tt.want)
		}
	}
}

// TestPolicyHoldsEverywhere: whichever way a resource is named, it has one key, which is one that
// another node takes.
func TestPolicyHoldsEverywhere(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func() string { return []string{"", "a", "b", "%61", "b+c", "%zz", "x"}[rnd.IntN(7)] }
	for range 20000 {
		s := New(Config{Mount: "/files/", Base: &url.URL{Scheme: "http", Host: "o", Path: "/"}})
		s.Query.Sort = rnd.IntN(2) == 0
		if rnd.IntN(2) == 0 {
			s.Query.Keep = []string{"a", "b c"}[:rnd.IntN(3)]
		}
		var fields []string
		for range rnd.IntN(5) {
			fields = append(fields, word()+[]string{"", "=", "=1"}[rnd.IntN(3)])
		}
		query := strings.Join(fields, "&")
		u := &url.URL{Path: "/files/f", RawQuery: query, ForceQuery: rnd.IntN(2) == 0}
		key, err := s.KeyFromURL(u)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(key); err != nil {
			t.Errorf("%+v: another node sends %q: %v", s.Query, key, err)
		}
		if again, err := s.KeyFromURL(&url.URL{Path: "/files/" + "f",
			RawQuery: s.Target(key).RawQuery, ForceQuery: s.Target(key).ForceQuery}); err != nil ||
			again != key {
			t.Errorf("%+v: %q is %q at another node", s.Query, key, again)
		}
		if named, ok := s.KeyFromOrigin(u.String()[len("/files"):], "g"); !ok || named != key {
			t.Errorf("%+v: %s is %q for clients, and %q in a Location", s.Query, u, key, named)
		}
		if plain, ok := s.PlainKey(u.String()); ok && plain != key {
			t.Errorf("%+v: %s is %q, and %q in the fast lane", s.Query, u, key, plain)
		}
	}
	s := New(Config{Mount: "/files/", Base: &url.URL{Scheme: "http", Host: "o", Path: "/"},
		Query: QueryPolicy{Keep: []string{"a"}}})
	for _, key := range []string{"f?", "f?b", "f?a&b", "f?a&"} {
		if s.Check(key) == nil {
			t.Errorf("%q is taken from another node", key)
		}
	}
}
