package proxy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// KeyRules say what of a request decides which stored response answers it, besides its path and the
// Vary of responses. All nodes of a cluster must have the same.
type KeyRules struct {
	// QueryKeep are the names of the query's fields that matter, decoded. The others are no part of
	// a resource's name, and aren't sent to the origin. Default: all matter; empty but not nil:
	// none does.
	QueryKeep []string

	// QuerySort sorts the query's fields by name, so that their order doesn't matter. Fields of one
	// name stay in their order. The origin is sent the sorted query.
	QuerySort bool

	// Fields are the names of request fields whose values select a stored response, as if each
	// response named them in Vary. Default: none.
	Fields []string

	// DropFields are the names of request fields that the Proxy takes for absent: they select
	// nothing, and the origin isn't sent them. Default: none.
	DropFields []string
}

func (k KeyRules) withDefaults() KeyRules {
	if k.QueryKeep != nil {
		k.QueryKeep = sorted(k.QueryKeep)
	}
	k.Fields = sorted(canonicalNames(k.Fields))
	k.DropFields = sorted(canonicalNames(k.DropFields))
	return k
}

// sorted returns names sorted, each once, and not nil.
func sorted(names []string) []string {
	names = append([]string{}, names...)
	slices.Sort(names)
	return slices.Compact(names)
}

// essential are the fields without which a request would be another one or couldn't be sent, or
// that show a loop.
var essential = []string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Te",
	"Trailer",
	"Upgrade", "Expect", "Max-Forwards", "Cdn-Loop", "Via"}

// ambiguous are fields that can't be in a key: what the origin is sent of them isn't what the
// client has sent.
var ambiguous = []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since",
	"If-Unmodified-Since", "Cache-Control", "Pragma", "X-Forwarded-For", "Forwarded",
	"Traceparent", "Tracestate"}

// validate is for rules that have their defaults.
func (k KeyRules) validate() error {
	for _, name := range slices.Concat(k.Fields, k.DropFields) {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return fmt.Errorf("%q in Keys isn't the name of a field", name)
		case slices.Contains(essential, name):
			return fmt.Errorf("%s can neither be a field of the key nor be dropped: the request "+
				"itself depends on it", name)
		case slices.Contains(k.Fields, name) && slices.Contains(k.DropFields, name):
			return fmt.Errorf("%s is both a field of the key and dropped: choose one", name)
		}
	}
	for _, name := range k.Fields {
		if slices.Contains(ambiguous, name) {
			return fmt.Errorf("%s can't be a field of the key: the origin isn't sent it as the "+
				"client has", name)
		}
	}
	return nil
}

// fact is what other nodes must agree with, "" if it is the default.
func (k KeyRules) fact() string {
	var rules []string
	add := func(is bool, format string, args ...any) {
		if is {
			rules = append(rules, fmt.Sprintf(format, args...))
		}
	}
	add(k.QueryKeep != nil, "of queries %q", k.QueryKeep)
	add(k.QuerySort, "sorted queries")
	add(len(k.Fields) > 0, "fields %q", k.Fields)
	add(len(k.DropFields) > 0, "dropped fields %q", k.DropFields)
	if len(rules) == 0 {
		return ""
	}
	return ", " + strings.Join(rules, ", ")
}

func canonicalNames(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = http.CanonicalHeaderKey(name)
	}
	return out
}
