package proxy_test

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/proxy"
)

// holds reports whether what came is what a value of a check wants.
func holds(came, want string) bool {
	if text, ok := strings.CutPrefix(want, "!~"); ok {
		return !strings.Contains(came, text)
	}
	if text, ok := strings.CutPrefix(want, "~"); ok {
		return strings.Contains(came, text)
	}
	return came == want
}

// loose reports whether a check leaves open what exactly comes.
func loose(want string) bool { return strings.HasPrefix(want, "~") || strings.HasPrefix(want, "!") }

var placeholder = regexp.MustCompile(`\{\{.*?\}\}`)

// expander replaces placeholders.
type expander struct {
	now                time.Time
	origin, node, loop string
}

func (e expander) expand(text string) (_ string, err error) {
	text = placeholder.ReplaceAllStringFunc(text, func(s string) string {
		var value string
		if value, err = e.value(s[2 : len(s)-2]); err != nil {
			err = fmt.Errorf("%s: %w", s, err)
		}
		return value
	})
	return text, err
}

func (e expander) value(name string) (string, error) {
	switch {
	case strings.HasPrefix(name, `"`):
		return strconv.Unquote(name)
	case name == "origin":
		return e.origin, nil
	case name == "node":
		return e.node, nil
	case name == "loop":
		return e.loop, nil
	case !strings.HasPrefix(name, "now"):
		return "", fmt.Errorf("it stands for nothing")
	}
	offset, format, _ := strings.Cut(strings.TrimPrefix(name, "now"), " ")
	d, err := time.ParseDuration(cmp.Or(offset, "0s"))
	if err != nil {
		return "", err
	}
	layout, ok := map[string]string{"": http.TimeFormat, "rfc850": "Monday, 02-Jan-06 15:04:05 GMT",
		"asctime": time.ANSIC}[format]
	if !ok {
		return "", fmt.Errorf("no format is called %q", format)
	}
	return e.now.Add(d).UTC().Format(layout), nil
}

// expandAll expands lines.
func (e expander) expandAll(lines []line) (_ []line, err error) {
	out := make([]line, len(lines))
	for i, l := range lines {
		if out[i].text, err = e.expand(l.text); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.n, err)
		}
		out[i].n = l.n
	}
	return out, nil
}

// configure sets the field of cfg that name means: max-stale is MaxStale.
func configure(cfg *proxy.Config, name, value string) error {
	wanted := strings.ReplaceAll(name, "-", "")
	field := reflect.ValueOf(cfg).Elem().FieldByNameFunc(func(n string) bool { return strings.EqualFold(n, wanted) })
	if !field.IsValid() {
		return fmt.Errorf("proxy.Config has no %s", name)
	}
	var v any
	var err error
	switch field.Interface().(type) {
	case time.Duration:
		v, err = time.ParseDuration(value)
	case bool:
		v, err = strconv.ParseBool(value)
	case string:
		v = value
	case []string:
		v = strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
	default:
		return fmt.Errorf("a transcript can't set %s", name)
	}
	if err == nil {
		field.Set(reflect.ValueOf(v))
	}
	return err
}
