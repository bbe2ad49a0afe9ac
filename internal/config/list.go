package config

import (
	"errors"
	"fmt"
	"strings"
)

// list is a setting whose text is words with commas between them, so that a file may give it as a
// list of words. Its text for a list of them is that of join, which says what is wrong with a list
// if its text would hide that.
type list interface {
	join(words []string) (string, error)
}

// joinWords is the text of l for a list in a file.
func joinWords(l list, values []any) (string, error) {
	words := make([]string, len(values))
	for i, value := range values {
		word, ok := value.(string)
		if !ok {
			return "", fmt.Errorf("not a list with %s in it", describe(value))
		}
		words[i] = word
	}
	return l.join(words)
}

// describe says in words what a value in a file is.
func describe(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case map[string]any:
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

var errEmptyList = errors.New("not an empty list")

func (*PeerList) join(words []string) (string, error) {
	if len(words) == 0 {
		return "", errEmptyList
	}
	return strings.Join(words, ","), nil
}

func (*PeerSource) join(words []string) (string, error) {
	if len(words) == 0 {
		return "", errEmptyList
	}
	for _, word := range words {
		for _, prefix := range []string{"dns:", "file:"} {
			if len(words) > 1 && strings.HasPrefix(strings.TrimSpace(word), prefix) {
				return "", fmt.Errorf("not a list with %q and others in it: %s stands alone",
					word, prefix)
			}
		}
	}
	return strings.Join(words, ","), nil
}

// The names of no fields have a word of their own.
func (*FieldNames) join(words []string) (string, error) {
	if len(words) == 0 {
		return "none", nil
	}
	return strings.Join(words, ","), nil
}
