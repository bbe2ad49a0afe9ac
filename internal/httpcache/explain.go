package httpcache

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Line is one sentence of an explanation.
type Line struct {
	Text    string // for the operator: no line breaks, nothing unprintable
	Section string // the rule's, such as "RFC 9111 §4.2.1"; "" if it is the operator's own
}

// explained is a response with what several lines of its explanation need.
type explained struct {
	Policy
	r      *Response
	d      Directives
	target string // the targeted field that the directives come from, if they come from one
	field  string // that the directives come from, as people write it
}

func (p Policy) explained(r *Response) *explained {
	e := &explained{Policy: p, r: r, d: p.responseDirectives(r.Header), field: "Cache-Control"}
	for _, name := range p.Targets {
		if _, ok := ParseTargeted(r.Header[name]); ok {
			e.target, e.field = name, written(name)
			break
		}
	}
	return e
}

// notes explain which of the response's fields are ignored or overridden.
func (e *explained) notes() (lines []Line) {
	for _, name := range e.Targets {
		if name == e.target {
			lines = append(lines, Line{
				e.field + " is there for caches like this one: it counts, and Cache-Control and " +
					"Expires don't.",
				"RFC 9213 §2.2",
			})
			break
		}
		if len(e.r.Header[name]) > 0 {
			lines = append(lines, Line{
				written(name) + " is empty or not a valid structured field, so it is ignored as " +
					"a whole.",
				"RFC 9213 §2.1",
			})
		}
	}
	if e.d.broken {
		lines = append(lines, Line{
			e.field + " is malformed (a quote that never ends, or a value of the wrong type): " +
				"what it forbids counts, what it permits doesn't, and its numbers count as 0.",
			"RFC 9111 §4.2.1",
		})
	}
	if e.d.has(private) && e.d.has(public) {
		lines = append(lines, Line{
			e.field + " says both private and public: private counts.",
			"RFC 9111 §5.2.2.7",
		})
	}
	if e.d.has(noStore) && e.d.permits(mustUnderstand) && understood(e.r.Status) {
		lines = append(lines, Line{
			fmt.Sprintf("%s says no-store, but also must-understand, which takes its place, as "+
				"this cache knows what status %d means.", e.field, e.r.Status),
			"RFC 9111 §5.2.2.3",
		})
	}
	if _, ok := httpDate(e.r.Header, "Date", e.r.ResponseTime); !ok && len(e.r.Header["Date"]) > 0 {
		lines = append(lines, Line{
			"Its Date isn't a date, so the time of arrival counts instead.",
			"RFC 9110 §6.6.1",
		})
	}
	return lines
}

// unreadable says which of the directives ks the field has in a form that doesn't count.
func (e *explained) unreadable(ks ...directive) (lines []Line) {
	for _, k := range ks {
		if _, present, valid := e.d.delta(k); present && !valid && !e.d.broken {
			lines = append(lines, Line{
				fmt.Sprintf("%s in %s isn't one whole number of seconds, so it "+
					"counts as 0.", directiveNames[k], e.field),
				"RFC 9111 §4.2.1",
			})
		}
	}
	return lines
}

// vary says which requests share the response.
func (e *explained) vary() []Line {
	names, star := VaryNames(e.r.Header)
	if star || len(names) == 0 {
		return nil
	}
	return []Line{{fmt.Sprintf("Vary: it is only for requests that agree in %s with the one "+
		"that it answered.", and(names)), "RFC 9111 §4.1"}}
}

// validators says how the origin can be asked whether the response is still good.
func (e *explained) validators() Line {
	etag, modified := entityTag(e.r.Header), lastModified(e.r.Header)
	switch {
	case !Settled(e.r.Header):
		return Line{
			fmt.Sprintf("Its Last-Modified %s isn't a second before its Date, so another change "+
				"in that second couldn't be told from this one: once it is stale it is fetched "+
				"again in full.", shown(modified)),
			"RFC 9110 §8.8.2.2",
		}
	case etag != "" && modified != "":
		return Line{
			fmt.Sprintf("The origin can be asked whether it is still good: by ETag %s and "+
				"Last-Modified %s.", shown(etag), shown(modified)),
			"RFC 9111 §4.3.1",
		}
	case etag != "":
		return Line{
			fmt.Sprintf("The origin can be asked whether it is still good: by "+
				"ETag %s.", shown(etag)),
			"RFC 9111 §4.3.1",
		}
	case modified != "":
		return Line{
			fmt.Sprintf("The origin can be asked whether it is still good: by "+
				"Last-Modified %s.", shown(modified)),
			"RFC 9111 §4.3.1",
		}
	}
	return Line{
		"It has no usable ETag or Last-Modified, so once it is stale it has to be fetched again " +
			"in full.",
		"RFC 9111 §4.3.1",
	}
}

// written is a canonical field name in its usual spelling.
func written(name string) string {
	if rest, ok := strings.CutPrefix(name, "Cdn-"); ok {
		name = "CDN-" + rest
	}
	return shown(name)
}

// said is a directive as the field has it, "max-age=60 in Cache-Control".
func (e *explained) said(k directive) string {
	if k < deltas {
		n, _, _ := e.d.delta(k)
		return fmt.Sprintf("%s=%d in %s", directiveNames[k], n/time.Second, e.field)
	}
	return directiveNames[k] + " in " + e.field
}

// span is d in whole seconds, and in larger units.
func span(d time.Duration) string {
	s := int64(d / time.Second)
	text := strconv.FormatInt(s, 10) + " s"
	switch {
	case s < 120:
		return text
	case s < 3600:
		return text + " (" + about(s, 60, "minute") + ")"
	case s < 2*86400:
		return text + " (" + about(s, 3600, "hour") + ")"
	}
	return text + " (" + about(s, 86400, "day") + ")"
}

// left is span for a time that may be too short to count.
func left(d time.Duration) string {
	if d < time.Second {
		return "less than 1 s"
	}
	return span(d)
}

func about(n, unit int64, name string) string {
	whole, prefix := (n+unit/2)/unit, ""
	if n%unit != 0 {
		prefix = "about "
	}
	if whole != 1 {
		name += "s"
	}
	return fmt.Sprint(prefix, whole, " ", name)
}

// moment is t in UTC.
func moment(t time.Time) string {
	return t.UTC().Round(time.Second).Format("2006-01-02 15:04:05 UTC")
}

// and lists words.
func and(words []string) string {
	clean := make([]string, len(words))
	for i, w := range words {
		clean[i] = shown(w)
	}
	if n := len(clean) - 1; n > 0 {
		return strings.Join(clean[:n], ", ") + " and " + clean[n]
	}
	return strings.Join(clean, "")
}

// most bounds how much of a field is quoted in a sentence, in bytes.
const most = 120

func shown(s string) string { return Shown(s, most) }

// Shown is text from a client or an origin, made fit to be shown: printable, and cut to most bytes,
// with a mark if it was longer.
func Shown(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// line returns the field's lines as one.
func line(h http.Header, name string) string { return shown(strings.Join(h[name], ", ")) }
