package httpcache

import (
	"net/http"
	"slices"

	"github.com/dunglas/httpsfv"
)

// Limits on what one response can put into the index of groups. RFC 9875 §2 and §3 ask for 32
// groups of 32 characters at least. Longer names are left out; of more groups the ones that come
// first in the message count.
const (
	maxGroups    = 128
	maxGroupName = 256 // bytes
)

// Groups returns the groups that a stored response belongs to, sorted, each once: the members of
// Cache-Groups (RFC 9875 §2), then those of the fields named in also, which are canonical names of
// older fields with the same purpose. Such fields separate their members by spaces (Surrogate-Key)
// or commas (Cache-Tag); either will do in any of them.
//
// Groups are those of one URI origin (§2.1): equal names on two origins are two groups. No more
// than 128 groups are returned, none with a name of more than 256 bytes.
func Groups(h http.Header, also []string) []string {
	groups := addStrings(nil, h["Cache-Groups"])
	for _, name := range also {
		groups = addTags(groups, h[name])
	}
	return groups
}

// InvalidatedGroups returns the groups that a response asks to invalidate (RFC 9875 §3), in the
// form and within the limits of Groups. The field means nothing in the response to a safe method,
// which the caller has to see to.
func InvalidatedGroups(h http.Header) []string {
	return addStrings(nil, h["Cache-Group-Invalidation"])
}

// addStrings adds the members of a List of Strings, regardless of their parameters. If any member
// is something else there are none: RFC 9875 doesn't say otherwise, so the constraint voids the
// whole field (RFC 9651 §2).
func addStrings(groups, lines []string) []string {
	if len(lines) == 0 {
		return groups
	}
	list, err := httpsfv.UnmarshalList(lines)
	if err != nil {
		return groups
	}
	for _, member := range list {
		if _, ok := stringItem(member); !ok {
			return groups
		}
	}
	for _, member := range list {
		name, _ := stringItem(member)
		groups = addGroup(groups, name)
	}
	return groups
}

func stringItem(member httpsfv.Member) (s string, ok bool) {
	item, _ := member.(httpsfv.Item)
	s, ok = item.Value.(string)
	return s, ok
}

// addTags adds what is between spaces, tabs and commas.
func addTags(groups, lines []string) []string {
	for _, line := range lines {
		start := 0
		for i := 0; i <= len(line); i++ {
			if i < len(line) && line[i] != ',' && !isOWS(line[i]) {
				continue
			}
			if start < i {
				groups = addGroup(groups, line[start:i])
			}
			start = i + 1
		}
	}
	return groups
}

// addGroup keeps the groups sorted and within their limits.
func addGroup(groups []string, name string) []string {
	if len(groups) >= maxGroups || len(name) > maxGroupName {
		return groups
	}
	i, present := slices.BinarySearch(groups, name)
	if present {
		return groups
	}
	return slices.Insert(groups, i, name)
}
