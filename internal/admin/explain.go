package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Question is a client's request that is to be explained. As parameters of /explain:
//
//	url=URL          what the client asks for: a path that begins with a slash, or a whole URL. Must be given.
//	method=METHOD    GET if it isn't given
//	h=FIELD:+VALUE   a field of the request; may be repeated
//	probe=0          the origin isn't to be asked, even if nothing is known of the resource
//	format=json      as JSON, which Accept: application/json asks for as well, instead of text
type Question struct {
	Method string
	URL    *url.URL
	Header http.Header
	Probe  bool
}

// Explain answers a Question: with something that writes itself as text, and that encoding/json
// encodes. The error says what is wrong with the question, in words for the one who asked.
type Explain func(ctx context.Context, q Question) (io.WriterTo, error)

// Limits on what one question may be. They are well above what a client's request may be.
const (
	maxQuery  = 64 << 10
	maxFields = 100
)

// ServeHTTP answers /explain.
func (e Explain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var explanation io.WriterTo
	q, format, err := question(r)
	if err == nil {
		explanation, err = e(r.Context(), q)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff") // others' words are in it
	if format != "json" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = explanation.WriteTo(w) // if it fails, nobody is there to be told
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(explanation)
}

// question reads the parameters of /explain. An error says what to do.
func question(r *http.Request) (q Question, format string, err error) {
	if len(r.URL.RawQuery) > maxQuery {
		return q, "", fmt.Errorf("the query has more than %d bytes: ask about a shorter URL, with "+
			"fewer fields", maxQuery)
	}
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, "", fmt.Errorf("the query can't be read (%w): encode the values as an HTML form "+
			"does, %%25 for a %% and %%3B for a semicolon", err)
	}
	for name, values := range form {
		if !slices.Contains([]string{"url", "method", "h", "probe", "format"}, name) {
			return q, "", fmt.Errorf("unknown parameter %q: there are url, method, h, probe and "+
				"format; if it belongs to the url, write its & as %%26", name)
		}
		if len(values) > 1 && name != "h" {
			return q, "", fmt.Errorf("%s is given %d times: give it once, with each & in it "+
				"written as %%26", name, len(values))
		}
	}
	if strings.Contains(strings.Join(r.Header["Accept"], ","), "application/json") {
		format = "json"
	}
	format = cmp.Or(form.Get("format"), format, "text")
	if format != "json" && format != "text" {
		return q, "", fmt.Errorf("format=%s: expected text or json", format)
	}
	probe := cmp.Or(form.Get("probe"), "1")
	if probe != "0" && probe != "1" {
		return q, "", fmt.Errorf("probe=%s: expected 0, to leave the origin alone, or 1", probe)
	}
	q.Method, q.Probe = form.Get("method"), probe == "1"
	if q.URL, err = asked(form.Get("url")); err == nil {
		q.Header, err = header(form["h"])
	}
	return q, format, err
}

// asked reads the URL that is to be explained.
func asked(s string) (*url.URL, error) {
	if s == "" {
		return nil, fmt.Errorf("there is no url: ask for /explain?url=/files/1.txt, with what a " +
			"client would ask for")
	}
	u, err := url.Parse(s)
	if err == nil && u.Host != "" {
		u.Path = cmp.Or(u.Path, "/") // RFC 9110 section 4.2.3
	}
	if err != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") {
		return nil, fmt.Errorf("url=%.200s: expected a path that begins with a slash, such as "+
			"/files/1.txt, or a whole URL with such a path", s)
	}
	return u, nil
}

// header reads fields that are given as "Field: value".
func header(fields []string) (http.Header, error) {
	if len(fields) > maxFields {
		return nil, fmt.Errorf("there are %d fields: give %d at most", len(fields), maxFields)
	}
	h := http.Header{}
	for _, f := range fields {
		name, value, ok := strings.Cut(f, ":")
		if !ok {
			return nil, fmt.Errorf("h=%.200s: expected a field of the request as in "+
				"h=Accept-Encoding:+gzip", f)
		}
		h.Add(name, strings.TrimSpace(value))
	}
	return h, nil
}
