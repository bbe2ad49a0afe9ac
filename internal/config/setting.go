package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
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

// ordered is the settings among the fields of the struct type t, in their order.
func ordered(t reflect.Type) []setting {
	var all []setting
	for field := range fields(t) {
		name := field.Tag.Get("name")
		if name == "" {
			name = dashed(field.Name)
		}
		all = append(all, setting{name: name, field: field})
	}
	return all
}

// fields goes through the fields of t and of the structs embedded in it, but for arguments.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, field := range reflect.VisibleFields(t) {
			_, argument := field.Tag.Lookup("arg")
			if field.Anonymous || argument {
				continue
			}
			if !yield(field) {
				return
			}
		}
	}
}

// dashed is the flag name of a field: AdminListen becomes admin-listen.
func dashed(field string) string {
	var b strings.Builder
	for i, r := range field {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// want says in words what s expects.
func (s setting) want() string {
	switch reflect.New(s.field.Type).Interface().(type) {
	case *Size:
		return wantSize
	case *Duration, *Timeout:
		return wantDuration
	case *Addr:
		return wantAddr
	case *PeerAddr:
		return wantPeer
	case *PeerList:
		return wantPeerList
	case *PeerSource:
		return wantPeerSource
	case *FieldNames:
		return wantFieldNames
	case *File:
		return wantFile
	case *Origin:
		return wantOrigin
	case *Mount:
		return wantMount
	case *bool:
		return "true or false"
	case *int:
		return "a whole number"
	}
	if enum := s.field.Tag.Get("enum"); enum != "" {
		return "one of " + strings.ReplaceAll(enum, ",", ", ")
	}
	return "text"
}

// check says what is wrong with text as a value of s, if anything.
func (s setting) check(text string) error {
	wrong := unexpected(s.want(), []byte(text))
	switch value := reflect.New(s.field.Type).Interface().(type) {
	case encoding.TextUnmarshaler:
		return value.UnmarshalText([]byte(text))
	case *bool:
		if _, err := strconv.ParseBool(text); err != nil {
			return wrong
		}
	case *int:
		if _, err := strconv.Atoi(text); err != nil {
			return wrong
		}
	case *string:
		enum := s.field.Tag.Get("enum")
		if enum != "" && !slices.Contains(strings.Split(enum, ","), text) {
			return wrong
		}
	}
	return nil
}

// text is a value from a file as text, checked. Only text, true and false, whole numbers, and lists
// can be values; a number counts bytes, or is an index.
func (s setting) text(value any) (string, error) {
	text := fmt.Sprint(value)
	switch value := value.(type) {
	case string:
	case bool:
		if s.field.Type.Kind() != reflect.Bool {
			return "", fmt.Errorf("expected %s, not %s", s.want(), text)
		}
	case int, int64, uint64:
		if s.field.Type != reflect.TypeFor[Size]() && s.field.Type.Kind() != reflect.Int {
			return "", fmt.Errorf("expected %s, not the number %s", s.want(), text)
		}
	case []any:
		list, ok := reflect.New(s.field.Type).Interface().(list)
		if !ok {
			return "", fmt.Errorf("expected %s, not a list", s.want())
		}
		joined, err := joinWords(list, value)
		if err != nil {
			return "", fmt.Errorf("expected %s, %w", s.want(), err)
		}
		text = joined
	default:
		return "", fmt.Errorf("expected %s, not %s", s.want(), describe(value))
	}
	return text, s.check(text)
}

// mapper parses values of s's type for kong. Kong's own would do but for what it says of a flag
// without a value.
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
