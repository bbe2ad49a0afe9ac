package purge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/dunglas/httpsfv"
)

// Form is the JSON of a purge. The names of what is purged are Cloudflare's.
type Form struct {
	Files      []string `json:"files,omitempty"`
	Prefixes   []string `json:"prefixes,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Everything bool     `json:"purge_everything,omitempty"`
	Soft       bool     `json:"soft,omitempty"`
	Queries    bool     `json:"queries,omitempty"`
	ID         string   `json:"id,omitempty"`
}

const example = `{"files":["/files/a.txt"]}`

// parseBody reads the JSON of a purge.
func parseBody(body io.Reader) (*Request, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var f Form
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, wrongJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON of the purge")
	}
	return &Request{
		URLs: f.Files, Prefixes: f.Prefixes, Groups: f.Tags, All: f.Everything, Soft: f.Soft,
		Queries: f.Queries, ID: f.ID,
	}, nil
}

// wrongJSON says what is wrong with a body.
func wrongJSON(err error) error {
	wrong, isType := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case err == io.EOF:
		return fmt.Errorf("the body is empty: say what is purged, as in %s", example)
	case isType && wrong.Field != "":
		return fmt.Errorf("%q: expected %s, not a JSON %s", wrong.Field, kindOf(wrong.Field),
			wrong.Value)
	case strings.Contains(err.Error(), "unknown field"): // the package has no type for it
		_, name, _ := strings.Cut(err.Error(), "unknown field ")
		return fmt.Errorf("unknown member %s: there are files, prefixes, tags, purge_everything, "+
			"soft, queries and id", name)
	}
	return fmt.Errorf("the body isn't the JSON of a purge, such as %s: %w", example, err)
}

// kindOf describes the values of a member.
func kindOf(member string) string {
	switch member {
	case "files", "prefixes", "tags":
		return "a list of strings"
	case "id":
		return "a string"
	}
	return "true or false"
}

// cutPrefix is path without a prefix, whichever of the prefix's characters are escaped in it. The
// rest is as it was spelled.
func cutPrefix(path, prefix string) (rest string, found bool) {
	rest = path
	for _, c := range []byte(prefix) {
		n := min(len(rest), 1)
		if strings.HasPrefix(rest, "%") {
			n = min(len(rest), len("%2F"))
		}
		if text, err := url.PathUnescape(rest[:n]); err != nil || text != string(c) {
			return path, false
		}
		rest = rest[n:]
	}
	return rest, true
}

// parsePath reads what the path behind /purge/ names: key/ and a group, or a URL. It is Fastly's
// way.
func parsePath(r *http.Request, rest string) (*Request, error) {
	soft, err := softField(r.Header)
	if err != nil {
		return nil, err
	}
	q := &Request{Soft: soft}
	if group, ok := cutPrefix(rest, "key/"); ok {
		if group, err = url.PathUnescape(group); err != nil {
			return nil, fmt.Errorf("the group in the path has a bad escape: %w", err)
		}
		q.Groups = []string{group}
		return q, nil
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		rest += "?" + r.URL.RawQuery
	}
	q.URLs = []string{rest}
	return q, nil
}

// parseMethod reads a request with the method PURGE: the groups in its fields, or else its URL.
func parseMethod(r *http.Request) (*Request, error) {
	soft, err := softField(r.Header)
	if err != nil {
		return nil, err
	}
	q := &Request{Soft: soft}
	if q.Groups, err = groupFields(r.Header); err != nil {
		return nil, err
	}
	if len(q.Groups) == 0 {
		q.URLs = []string{r.RequestURI}
	}
	return q, nil
}

// softField reads Fastly-Soft-Purge.
func softField(h http.Header) (soft bool, err error) {
	switch values := h["Fastly-Soft-Purge"]; {
	case len(values) == 0, len(values) == 1 && values[0] == "0":
		return false, nil
	case len(values) == 1 && values[0] == "1":
		return true, nil
	}
	return false, errors.New("Fastly-Soft-Purge: expected 1 or 0")
}

// groupFields are the groups that the fields of a request name: Surrogate-Key and xkey by spaces or
// commas, Cache-Groups as RFC 9875 has it. A field that names none is an error, so that it doesn't
// look as if the URL were meant.
func groupFields(h http.Header) (groups []string, err error) {
	for _, name := range []string{"Surrogate-Key", "Xkey"} {
		for _, line := range h[name] {
			names := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' })
			if len(names) == 0 {
				return nil, fmt.Errorf("%s names no group", name)
			}
			groups = append(groups, names...)
		}
	}
	lines := h["Cache-Groups"]
	if len(lines) == 0 {
		return groups, nil
	}
	list, err := httpsfv.UnmarshalList(lines)
	if err != nil || len(list) == 0 {
		return nil, errors.New(`Cache-Groups: expected strings with commas between them, as in "a", "b"`)
	}
	for _, member := range list {
		item, _ := member.(httpsfv.Item)
		name, ok := item.Value.(string)
		if !ok {
			return nil, errors.New(`Cache-Groups: expected strings in quotes, as in "a", "b"`)
		}
		groups = append(groups, name)
	}
	return groups, nil
}
