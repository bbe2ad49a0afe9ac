package config

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// setting is one field of Config that a flag, a variable and a file key set.
type setting struct {
	name  string
	field reflect.StructField
}

// inner matches the border between two words in the name of a field.
var inner = regexp.MustCompile("([a-z])([A-Z])")

// ordered returns the settings among the fields of the struct type t and of the structs embedded in
// it, in their order. Arguments aren't settings.
func ordered(t reflect.Type) (all []setting) {
	for _, field := range reflect.VisibleFields(t) {
		_, argument := field.Tag.Lookup("arg")
		if field.Anonymous || argument {
			continue
		}
		dashed := strings.ToLower(inner.ReplaceAllString(field.Name, "$1-$2"))
		all = append(all, setting{cmp.Or(field.Tag.Get("name"), dashed), field})
	}
	return all
}

// want describes the values of s.
func (s setting) want() string {
	switch reflect.Zero(s.field.Type).Interface().(type) {
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
		return wantPeerSource
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
	if enum := s.field.Tag.Get("enum"); enum != "" {
		return "one of " + strings.ReplaceAll(enum, ",", ", ")
	}
	return "text"
}

// check returns an error if text isn't a value of s.
func (s setting) check(text string) error {
	ok := true
	switch value := reflect.New(s.field.Type).Interface().(type) {
	case encoding.TextUnmarshaler:
		return value.UnmarshalText([]byte(text))
	case *bool:
		_, err := strconv.ParseBool(text)
		ok = err == nil
	case *int:
		_, err := strconv.Atoi(text)
		ok = err == nil
	case *string:
		enum := s.field.Tag.Get("enum")
		ok = enum == "" || slices.Contains(strings.Split(enum, ","), text)
	}
	if !ok {
		return unexpected(s.want(), text)
	}
	return nil
}

// text converts a value from a file into text, and checks it. A value is text, true or false, a
// list, or a whole number; a number is of bytes, or an index.
func (s setting) text(value any) (string, error) {
	text, kind := fmt.Sprint(value), s.field.Type.Kind()
	not := ""
	switch value := value.(type) {
	case string:
	case bool:
		if kind != reflect.Bool {
			not = text
		}
	case int, int64, uint64:
		if s.field.Type != reflect.TypeFor[Size]() && kind != reflect.Int {
			not = "the number " + text
		}
	case []any:
		joined, err := s.list(value)
		if err != nil {
			return "", fmt.Errorf("expected %s, %w", s.want(), err)
		}
		text = joined
	default:
		not = describe(value)
	}
	if not != "" {
		return "", fmt.Errorf("expected %s, not %s", s.want(), not)
	}
	return text, s.check(text)
}

// mapper parses values of s's type for kong. Unlike kong's own it says what is expected if a flag
// has no value.
func (s setting) mapper() kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		if token := ctx.Scan.Peek(); token.IsEOL() || !token.IsValue() {
			return errors.New("expected " + s.want())
		}
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		return target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
}
