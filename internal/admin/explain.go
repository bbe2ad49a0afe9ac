package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/scurrycache/scurry/internal/explain"
)

// Explain explains a client's request. With probe it may ask the origin.
type Explain func(r *http.Request, probe bool) *explain.Explanation

// known are the parameters of /explain, with the values that they may have; nil for any.
var known = map[string][]string{
	"url":    nil,              // what the client asks for: a whole URL, or a path with its slash
	"method": nil,              // GET if it isn't given
	"h":      nil,              // FIELD:+VALUE, a field of the request; may be repeated
	"probe":  {"0", "1"},       // with 0 the origin isn't asked, even if nothing is known
	"format": {"text", "json"}, // Accept: application/json asks for JSON as well
}

// maxFields is how many fields a request may have. The server limits the length of all.
const maxFields = 100

// ServeHTTP answers /explain.
func (e Explain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, err := parameters(r)
	var asked *http.Request
	if err == nil {
		asked, err = request(r, form)
	}
	switch {
	case err != nil:
		Refuse(w, r, http.StatusBadRequest, err.Error())
	case form.Get("format") == "json":
		writeJSON(w, http.StatusOK, "application/json", e(asked, form.Get("probe") != "0"))
	default:
		answer(w, http.StatusOK, e(asked, form.Get("probe") != "0").String())
	}
}

// parameters are those of r, and a format, also with an error, which says what to do.
func parameters(r *http.Request) (url.Values, error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if strings.Contains(strings.Join(r.Header["Accept"], ","), "application/json") {
		form.Set("format", cmp.Or(form.Get("format"), "json"))
	}
	if err != nil {
		return form, fmt.Errorf("the query can't be read (%w): encode the values as an HTML form "+
			"does, %%25 for a %% and %%3B for a semicolon", err)
	}
	for name, values := range form {
		switch want, ok := known[name]; {
		case !ok:
			return form, fmt.Errorf("unknown parameter %q: there are url, method, h, probe and "+
				"format; if it belongs to the url, write its & as %%26", name)
		case len(values) > 1 && name != "h":
			return form, fmt.Errorf("%s is given %d times: give it once, with each & in it "+
				"written as %%26", name, len(values))
		case want != nil && !slices.Contains(want, values[0]):
			return form, fmt.Errorf("%s=%s: expected %s", name, values[0],
				strings.Join(want, " or "))
		}
	}
	return form, nil
}

// request is the one that the parameters of r describe.
func request(r *http.Request, form url.Values) (*http.Request, error) {
	asked, err := http.NewRequestWithContext(r.Context(), form.Get("method"), form.Get("url"), nil)
	switch {
	case err != nil:
		return nil, fmt.Errorf("no client can ask for that: %.300s", err)
	case asked.URL.Opaque != "", asked.URL.Host == "" && !strings.HasPrefix(asked.URL.Path, "/"):
		return nil, fmt.Errorf("url=%.200s: expected a path that begins with a slash, as in "+
			"/explain?url=/files/1.txt, or a whole URL with such a path", form.Get("url"))
	case len(form["h"]) > maxFields:
		return nil, fmt.Errorf("there are %d fields: give %d at most", len(form["h"]), maxFields)
	}
	for _, f := range form["h"] {
		name, value, ok := strings.Cut(f, ":")
		value = strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("h=%.200q: expected a field of the request as in "+
				"h=Accept-Encoding:+gzip", f)
		}
		asked.Header.Add(name, value)
	}
	return asked, nil
}
