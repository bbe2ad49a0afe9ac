package site

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// QueryPolicy says which fields of a query belong to the key of a resource. The others aren't sent
// to the origin either, so that no answer can depend on them. The zero value leaves queries as they
// are.
type QueryPolicy struct {
	Keep []string // the names of the fields that are kept, decoded; if nil, all are
	Sort bool     // fields are sorted by name; those of one name stay in their order
}

// leaves reports whether p leaves queries as they are.
func (p *QueryPolicy) leaves() bool { return p.Keep == nil && !p.Sort }

// reduce returns what p leaves of a query, in the spelling that the client has chosen. A query that
// is in that form already is returned as it is.
func (p *QueryPolicy) reduce(query string) string {
	if p.leaves() || query == "" || p.reduced(query) {
		return query
	}
	fields := strings.Split(query, "&")
	fields = slices.DeleteFunc(fields, func(field string) bool { return !p.keeps(field) })
	if p.Sort {
		slices.SortStableFunc(fields, func(a, b string) int {
			return cmp.Compare(fieldName(a), fieldName(b))
		})
	}
	return strings.Join(fields, "&")
}

// reduced reports whether p leaves a query as it is. It allocates nothing for names without
// escapes.
func (p *QueryPolicy) reduced(query string) bool {
	last := ""
	for field := range strings.SplitSeq(query, "&") {
		name := fieldName(field)
		if !p.keeps(field) || p.Sort && name < last {
			return false
		}
		last = name
	}
	return true
}

// keeps reports whether a field stays. What is empty doesn't.
func (p *QueryPolicy) keeps(field string) bool {
	return field != "" && (p.Keep == nil || slices.Contains(p.Keep, fieldName(field)))
}

// fieldName is the decoded name of a query's field, or the name as it is if it can't be decoded.
func fieldName(field string) string {
	name, _, _ := strings.Cut(field, "=")
	if decoded, err := url.QueryUnescape(name); err == nil {
		return decoded
	}
	return name
}
