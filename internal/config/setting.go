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
	case CIDRs:
		return wantCIDRs
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

// text returns the text for s that a value in a file stands for. Words with commas between them may
// be a list there.
func (s setting) text(value any) (string, error) {
	not := describe(value)
	if values, ok := value.([]any); ok {
		switch s.Target.Interface().(type) {
		case FieldNames, CIDRs:
			value, not = join(values, "none")
		case PeerList, PeerSource:
			value, not = join(values, "")
		}
	}
	if not != "" {
		return "", fmt.Errorf("expected %s, not %s", s.want(), not)
	}
	return fmt.Sprint(value), nil
}

// join returns the text for a list in a file, which is the text empty if the list is, or a
// description of it if it has more than words in it.
func join(values []any, empty string) (text, not string) {
	var words []string
	for _, value := range values {
		if not := describe(value); not != "" {
			return "", "a list with " + not + " in it"
		}
		words = append(words, fmt.Sprint(value))
	}
	return cmp.Or(strings.Join(words, ","), empty), ""
}

// describe returns a description of a value in a file for which there is no text, or "".
func describe(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case map[string]any, map[any]any:
		return "a table of keys"
	}
	return ""
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
