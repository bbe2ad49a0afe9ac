package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// readFile is the values in the file at path, as text by flag name. All of them are known settings.
func readFile(path string, known map[string]setting) (map[string]string, error) {
	values, err := load(path)
	if err != nil {
		return nil, err
	}
	delete(known, "config") // a file doesn't name another
	texts := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		setting, ok := known[key]
		if !ok {
			return nil, fmt.Errorf("%s: unknown key %q%s",
				path, key, suggest(key, maps.Keys(known), strconv.Quote))
		}
		text, err := setting.text(values[key])
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, key, err)
		}
		texts[key] = text
	}
	return texts, nil
}

// load is the file's top-level keys and values.
func load(path string) (map[string]any, error) {
	parser, err := parserFor(path)
	if err != nil {
		return nil, err
	}
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), parser); err != nil {
		return nil, fmt.Errorf("%s: %s", path, fileProblem(err))
	}
	return k.Raw(), nil
}

func parserFor(path string) (koanf.Parser, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		return yaml.Parser(), nil
	case ".toml":
		return toml.Parser(), nil
	}
	return nil, fmt.Errorf("%s: the name of a settings file ends in .yaml, .yml or .toml", path)
}

// fileProblem is one line on an error from reading or parsing, with the position if the error has
// one.
func fileProblem(err error) string {
	var atPath *fs.PathError
	if errors.As(err, &atPath) {
		return atPath.Err.Error()
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	var placed interface{ Position() (row, column int) }
	if errors.As(err, &placed) {
		row, _ := placed.Position()
		return fmt.Sprintf("line %d: %s", row, text)
	}
	return text
}
