package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// list converts a list in a file into the text of s: its words with commas between them. It returns
// an error if s isn't a list, and for what would go unnoticed in the text.
func (s setting) list(values []any) (string, error) {
	var empty string   // text that stands for an empty list
	var alone []string // prefixes of a word that must be the only one
	switch reflect.Zero(s.field.Type).Interface().(type) {
	case FieldNames:
		empty = "none"
	case PeerList:
	case PeerSource:
		alone = []string{"dns:", "file:"}
	default:
		return "", errors.New("not a list")
	}
	switch {
	case len(values) > 0:
	case empty == "":
		return "", errors.New("not an empty list")
	default:
		return empty, nil
	}
	words := make([]string, len(values))
	for i, value := range values {
		word, ok := value.(string)
		if !ok {
			return "", fmt.Errorf("not a list with %s in it", describe(value))
		}
		trimmed := strings.TrimSpace(word)
		begins := func(prefix string) bool { return strings.HasPrefix(trimmed, prefix) }
		if at := slices.IndexFunc(alone, begins); at >= 0 && len(values) > 1 {
			return "", fmt.Errorf("not a list with %q and others in it: %s stands alone",
				word, alone[at])
		}
		words[i] = word
	}
	return strings.Join(words, ","), nil
}

// describe returns a description of a value in a file.
func describe(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case map[string]any, map[any]any:
		return "a table of keys"
	case float64:
		return "a number with a fraction"
	case int, int64, uint64:
		return "a number"
	case bool:
		return "true or false"
	}
	return "a date or time"
}
