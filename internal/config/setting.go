package config

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/scurrycache/scurry/internal/cluster"
)

// setting is one field of Config that a flag, a variable and a file key set.
type setting struct{ *kong.Flag }

// settings returns those in a struct, to which grammar points, in their order.
func settings(grammar any) (all []setting) {
	for _, flag := range kong.Must(grammar, kong.NoDefaultHelp()).Model.Flags {
		all = append(all, setting{flag})
	}
	return all
}

// want describes the values of s.
func (s setting) want() string {
	switch s.Target.Interface().(type) {
	case Size:
		return wantSize
	case Duration, Timeout:
		return wantDuration
	case Addr:
		return wantAddr
	case PeerAddr:
		return wantPeer
	case PeerList:
		return wantPeerList
	case PeerSource:
		return cluster.WantSource
	case FieldNames:
		return wantFieldNames
	case File:
		return wantFile
	case Origin:
		return wantOrigin
	case Mount:
		return wantMount
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	}
	if s.Enum != "" {
		return "one of " + strings.ReplaceAll(s.Enum, ",", ", ")
	}
	return "text"
}

// check returns an error if text isn't a value of s.
func (s setting) check(text string) error {
	if value, ok := s.Target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return value.UnmarshalText([]byte(text))
	}
	err := s.Parse(kong.Scan().PushTyped(text, kong.FlagValueToken), s.Target)
	if err != nil || s.Enum != "" && !slices.Contains(s.EnumSlice(), text) {
		return unexpected(s.want(), text)
	}
	return nil
}

// text returns the text for s that stands for a value in a file: the text itself, true or false, a
// whole number, which is of bytes or an index, or a list.
func (s setting) text(value any) (string, error) {
	kind, fits := s.Target.Kind(), false
	switch value := value.(type) {
	case string:
		fits = true
	case bool:
		fits = kind == reflect.Bool
	case int, int64, uint64:
		fits = kind == reflect.Int || s.Target.Type() == reflect.TypeFor[Size]()
	case []any:
		return s.list(value)
	}
	if !fits {
		return "", fmt.Errorf("expected %s, not %s", s.want(), describe(value))
	}
	return fmt.Sprint(value), nil
}

// list returns the text for a list in a file: its words with commas between them.
func (s setting) list(values []any) (text string, err error) {
	not := ""
	switch s.Target.Interface().(type) {
	case FieldNames:
		text = "none" // if it is empty
	case PeerList, PeerSource:
		if len(values) == 0 {
			not = "an empty list"
		}
	default:
		not = "a list"
	}
	var words []string
	for _, value := range values {
		word, ok := value.(string)
		if !ok {
			not = cmp.Or(not, "a list with "+describe(value)+" in it")
		}
		words = append(words, word)
	}
	if not != "" {
		return "", fmt.Errorf("expected %s, not %s", s.want(), not)
	}
	return cmp.Or(strings.Join(words, ","), text), nil
}

// describe returns a description of a value in a file that isn't text.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "nothing"
	case map[string]any, map[any]any:
		return "a table of keys"
	case []any:
		return "a list"
	case float64:
		return "a number with a fraction"
	case int, int64, uint64:
		return fmt.Sprint("the number ", value)
	case bool:
		return fmt.Sprint(value)
	}
	return "a date or time"
}

// mapper parses values of s's type for kong. Unlike kong's own it says what is expected if a flag
// has no value.
func (s setting) mapper() kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if ctx.Scan.PopValueInto("", &text) != nil {
			return errors.New("expected " + s.want())
		}
		return target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
}
