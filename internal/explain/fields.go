package explain

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// caching are the fields of a response that have to do with caching, besides those of the settings.
var caching = []string{"Cache-Control", "Expires", "Date", "Age", "Last-Modified", "Etag", "Vary",
	"Set-Cookie", "Cache-Groups", "No-Vary-Search", "Content-Range", "Content-Encoding"}

// fields returns those of h that have these names, or all if names is nil, as "Name: value".
func fields(h http.Header, names []string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if names == nil || slices.Contains(names, name) {
			list = append(list, field(h, name))
		}
	}
	return list
}

// field is what h says in a field. Credentials aren't shown.
func field(h http.Header, name string) string {
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie":
		return name + ": (not shown)"
	}
	return written(name) + ": " + shown(strings.Join(h[name], ", "))
}

// written is a canonical field name as people write it.
func written(name string) string {
	return shown(strings.NewReplacer("Etag", "ETag", "Cdn-", "CDN-").Replace(name))
}

// conditions are those by which the origin can be asked whether a response with those fields is
// still good; "" if there are none.
func conditions(stored http.Header) string {
	h := http.Header{}
	httpcache.AddConditions(h, stored)
	return strings.Join(fields(h, nil), " and ")
}

// shown is what someone else has sent, made fit to be shown: printable, and cut to 300 bytes.
func shown(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

func span(d time.Duration) string { return fmt.Sprintf("%d s", d/time.Second) }

// stamp is t as a text that no reader's time zone changes.
func stamp(t time.Time) string {
	return t.UTC().Round(time.Second).Format("2006-01-02 15:04:05 UTC")
}
