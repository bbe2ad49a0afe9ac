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
	"github.com/scurrycache/scurry/internal/store"
)

// caching are the fields of a response that have to do with caching, besides those of the settings.
var caching = []string{"Cache-Control", "Expires", "Date", "Age", "Last-Modified", "Etag", "Vary",
	"Set-Cookie", "Cache-Groups", "No-Vary-Search", "Content-Range", "Content-Encoding"}

// fields returns those of h that have these names as "Name: value", sorted.
func fields(h http.Header, names []string) (list []string) {
	for _, name := range names {
		if lines, ok := h[name]; ok {
			list = append(list, written(name)+": "+value(name, lines))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func allFields(h http.Header) []string { return fields(h, slices.Collect(maps.Keys(h))) }

// conditions are those by which the origin can be asked whether a response with those fields is
// still good; "" if there are none.
func conditions(stored http.Header) string {
	h := http.Header{}
	httpcache.AddConditions(h, stored)
	return strings.Join(allFields(h), " and ")
}

// selectedBy says what a request has to say in the fields of rec's Vary to select it.
func selectedBy(rec *store.Record) []string {
	selecting := rec.Selecting()
	list := fields(selecting, rec.Vary)
	for _, name := range rec.Vary {
		if _, ok := selecting[name]; !ok {
			list = append(list, "no "+written(name))
		}
	}
	return list
}

// written is a canonical field name as people write it.
func written(name string) string {
	return shown(strings.NewReplacer("Etag", "ETag", "Cdn-", "CDN-").Replace(name))
}

// value is a field's value as an operator may see it: credentials aren't shown.
func value(name string, lines []string) string {
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie":
		return "(not shown)"
	}
	return shown(strings.Join(lines, ", "))
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

// span is d in seconds, and in larger units if that is many.
func span(d time.Duration) string {
	if d = d.Truncate(time.Second); d < 2*time.Minute {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d s (%s)", d/time.Second, d)
}

// stamp is t as a text that no reader's time zone changes.
func stamp(t time.Time) string {
	return t.UTC().Round(time.Second).Format("2006-01-02 15:04:05 UTC")
}
