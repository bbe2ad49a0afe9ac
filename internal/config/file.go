package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

// formats are those of settings files, by the end of the file's name.
var formats = map[string]func(text []byte, values any) error{
	".yaml": yaml.Unmarshal,
	".yml":  yaml.Unmarshal,
	".toml": toml.Unmarshal,
}

// FileError says what is wrong with a settings file, and where in it.
type FileError struct{ error }

// readFile returns the values in the file at path, by flag name. All of them are known settings.
func (s *Sources) readFile(path string) (map[string]sourced, error) {
	values, lines, err := load(path)
	if err != nil {
		return nil, err
	}
	known := maps.Clone(s.known)
	delete(known, "config") // a file doesn't name another
	texts := map[string]sourced{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		setting, ok := known[key]
		if !ok {
			return nil, fmt.Errorf("%s: unknown key %q%s%s", path, key,
				Suggest(key, maps.Keys(known), strconv.Quote, unlisted), lines(key))
		}
		text, err := setting.text(values[key])
		if err == nil {
			err = setting.check(text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w%s", path, key, err, lines(key))
		}
		texts[key] = sourced{text, "file " + path}
	}
	return texts, nil
}

// load returns the file's top-level keys and values, and where to find a key, as a text that an
// error ends with.
func load(path string) (values map[string]any, lines func(key string) string, err error) {
	unmarshal, ok := formats[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return nil, nil,
			fmt.Errorf("%s: the name of a settings file ends in .yaml, .yml or .toml", path)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = unmarshal(text, &values)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %s", path, oneLine(err))
	}
	return values, func(key string) string { return lineOf(text, key) }, nil
}

// lineOf is " (line N)" for the line that gives key a value, or "" if the key isn't at the
// beginning of one.
func lineOf(text []byte, key string) string {
	assigns := regexp.MustCompile(`^["']?` + regexp.QuoteMeta(key) + `["']?\s*[:=]`)
	n := 0
	for line := range bytes.Lines(text) {
		if n++; assigns.Match(line) {
			return fmt.Sprintf(" (line %d)", n)
		}
	}
	return ""
}

// FileProblem returns err without the operation and the name of the file, which a caller says in
// its own words.
func FileProblem(err error) error {
	if atPath, ok := errors.AsType[*fs.PathError](err); ok {
		return atPath.Err
	}
	return err
}

// oneLine describes an error from reading or parsing in one line, with the line in the file if
// the error has it.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(FileProblem(err).Error()), " ")
	if placed, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := placed.Position()
		return fmt.Sprintf("line %d: %s", row, text)
	}
	return text
}
