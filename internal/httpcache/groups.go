package httpcache

import (
	"net/http"
	"slices"
	"strings"

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
	groups := stringsOf(h["Cache-Groups"])
	for _, name := range also {
		for _, line := range h[name] {
			for tag := range strings.FieldsFuncSeq(line, separates) {
				groups = addGroup(groups, tag)
			}
		}
	}
	return groups
}

func separates(c rune) bool { return c == ' ' || c == '\t' || c == ',' }

// InvalidatedGroups returns the groups that a response asks to invalidate (RFC 9875 §3), in the
// form and within the limits of Groups. The field means nothing in the response to a safe method;
// the caller checks that.
func InvalidatedGroups(h http.Header) []string {
	return stringsOf(h["Cache-Group-Invalidation"])
}

// stringsOf returns the members of a List of Strings, regardless of their parameters. If any member
// is something else there are none: RFC 9875 doesn't say otherwise, so the constraint voids the
// whole field (RFC 9651 §2).
func stringsOf(lines []string) (groups []string) {
	if len(lines) == 0 { // the ordinary response
		return nil
	}
	list, err := httpsfv.UnmarshalList(lines)
	if err != nil {
		return nil
	}
	for _, member := range list {
		name, ok := itemValue[string](member)
		if !ok {
			return nil
		}
		groups = addGroup(groups, name)
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
