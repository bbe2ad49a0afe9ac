package explain

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/site"
)

// route finds the key of u, as router and serveZK do. If there is none, the explanation is complete
// with why.
func (x *inquiry) route(u *url.URL) bool {
	way, mount := x.c.Site.Way(u), x.c.Site.Mount
	switch {
	case way == site.ToResource:
		key, err := x.c.Site.KeyFromURL(u)
		return x.keyed(key, err)
	case way != site.ToNothing && !decide.Reads(x.q.Method):
		return x.refused(http.StatusMethodNotAllowed, "",
			"This path can only be read, with GET or HEAD; a %s gets a 405.", x.q.Method)
	case way == site.ToForm:
		key, err := site.KeyFromForm(u.RawQuery)
		if errors.Is(err, site.ErrForm) {
			return x.refused(http.StatusBadRequest, "", "%s, so this gets a 400.", err)
		}
		return x.keyed(key, err)
	case way == site.ToMount:
		return x.refused(http.StatusTemporaryRedirect, "",
			"This only leads to %s, with a 307. Ask about that.", mount)
	}
	x.hint("If the file %s of the origin is meant, ask about %s.",
		shown(strings.TrimPrefix(u.Path, "/")), shown(mount+strings.TrimPrefix(site.Spelling(u),
			"/")))
	return x.refused(http.StatusNotFound, "",
		"Only what is under %s, or asked for by /zk?key=, is served and cached. Anything else "+
			"gets a 404 of the cache's own, and the origin is never asked.", mount)
}

// keyed takes note of a URL's key.
func (x *inquiry) keyed(key string, err error) bool {
	switch {
	case errors.Is(err, site.ErrLong):
		return x.refused(http.StatusRequestURITooLong, "RFC 9110 §15.5.15",
			"The URL is longer than %d bytes: it gets a 414, and the origin isn't asked.", site.MaxKey)
	case err != nil:
		return x.refused(http.StatusBadRequest, "RFC 9110 §15.5.1",
			"%s: it gets a 400, and the origin isn't asked.", capital(err.Error()))
	}
	x.q.Resource = key
	likely := x.c.Site.LikelyKey(key)
	if x.explanation.Key = shown(likely); likely == "" {
		x.explanation.Key = "(the folder " + x.c.Site.Mount + " itself)"
	}
	if likely != key {
		x.about("", "By the No-Vary-Search of an earlier response, what is stored under it is "+
			"also for "+shown(key)+", which was asked about.")
	}
	if canonical := site.Canonical(key); canonical != key {
		x.about("RFC 3986 §6.2.2",
			"Other spellings of the same path, such as "+shown(canonical)+", are stored each for "+
				"itself. They have the same owner, and are invalidated together.")
	}
	_, _, query := strings.Cut(key, "?")
	if query && likely == key {
		x.about("RFC 9111 §2",
			"The query belongs to the key: each other query, or order of its parts, is stored for "+
				"itself.")
	}
	return true
}

func (x *inquiry) about(section, text string) {
	x.explanation.About = append(x.explanation.About, Statement{text, section})
}

// refused completes the explanation of a request that gets no further.
func (x *inquiry) refused(status int, section, format string, args ...any) bool {
	x.explanation.Now = []Statement{{fmt.Sprintf(format, args...), section}}
	x.explanation.Next = Next{"refuse", status,
		[]Statement{{Text: fmt.Sprintf("The next such request is answered with %d %s.", status,
			http.StatusText(status))}}}
	return false
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
