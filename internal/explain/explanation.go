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

// Explanation is what is said of a request. It is for those who operate the Proxy, not for clients:
// it shows what other clients' requests have brought.
type Explanation struct {
	// Action is what the next such request will bring about: "hit", "stale" (answered from memory
	// although it isn't fresh), "validate", "fetch", "pass" (sent to the origin past the cache) or
	// "refuse" (answered without the origin and without what is stored). Status is that of the
	// answer, if it is known beforehand.
	Action string `json:"action"`
	Status int    `json:"status,omitempty"`

	// Lifetime and TTL, in seconds, are those of the response that the request selects, or would.
	// TTL is negative if it is stale.
	Lifetime int64 `json:"lifetime,omitempty"`
	TTL      int64 `json:"ttl,omitempty"`

	Lines []Line `json:"lines"`
}

// Line is one thing that an Explanation says. After the Request comes what is done Next; then the
// response that is Selected, others that are Stored, the one At its owner, and what the Origin
// answers if it is asked; then the Key of the resource, and its Owner. Lines whose names are in
// small letters are about the response above.
type Line struct {
	Name    string `json:"name"`
	Text    string `json:"text"`
	Section string `json:"section,omitempty"` // where the rule is laid down, as "RFC 9111 §4.2.1"
}

func (e *Explanation) say(name, section, format string, args ...any) {
	if section != "" {
		section = "RFC " + section
	}
	e.Lines = append(e.Lines, Line{name, fmt.Sprintf(format, args...), section})
}

// when says that if it is so.
func (e *Explanation) when(so bool, name, section, format string, args ...any) {
	if so {
		e.say(name, section, format, args...)
	}
}

// String is e as text, a line for each of Lines. Names that repeat are left out.
func (e *Explanation) String() string {
	var b strings.Builder
	for i, l := range e.Lines {
		if i > 0 && l.Name == e.Lines[i-1].Name {
			l.Name = ""
		}
		if l.Section != "" {
			l.Text += " [" + l.Section + "]"
		}
		fmt.Fprintf(&b, "%-13s%s\n", l.Name, l.Text)
	}
	return b.String()
}

// credentials are the fields that aren't shown.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

// fields returns those of h that have these names, or all if names is nil, as "Name: value".
func fields(h http.Header, names []string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		value := strings.Join(h[name], ", ")
		if slices.Contains(credentials, name) {
			value = "(not shown)"
		}
		if names == nil || slices.Contains(names, name) {
			list = append(list, shown(name+": "+value))
		}
	}
	return list
}

// conditions are those by which a response with those fields can be validated; "" if there are
// none.
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

// stamp is t as a text that no reader's time zone changes.
func stamp(t time.Time) string {
	return t.UTC().Round(time.Second).Format("2006-01-02 15:04:05 UTC")
}
