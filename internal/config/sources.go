package config

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

const envPrefix = "SCURRY_"

// Sources is the settings in the environment and in a file. Its Options have kong take from it the
// flags that aren't on the command line. It serves one Parse.
type Sources struct {
	environ []string
	known   map[string]setting // all settings by flag name
	values  map[string]sourced // by flag name
}

// sourced is a value as text, and where it came from.
type sourced struct{ text, from string }

// NewSources returns the sources that environ, entries such as os.Environ's, makes up together with
// the file that --config or SCURRY_CONFIG names. They are read once kong has seen the command line,
// if the command has a --config.
func NewSources(environ []string) *Sources {
	s := &Sources{environ: environ, known: map[string]setting{}}
	for _, setting := range settings(&Config{}) {
		s.known[setting.Name] = setting
	}
	return s
}

// Options returns kong's options, with which it uses s.
func (s *Sources) Options() []kong.Option {
	options := []kong.Option{kong.Resolvers(s), kong.WithBeforeResolve(s.read)}
	for _, setting := range s.known {
		if _, parses := setting.Target.Addr().Interface().(encoding.TextUnmarshaler); parses {
			options = append(options, kong.TypeMapper(setting.Target.Type(), setting.mapper()))
		}
	}
	return options
}

func (s *Sources) read(ctx *kong.Context) error {
	for _, flag := range ctx.Flags() {
		if flag.Name == "config" {
			path, _ := ctx.FlagValue(flag).(string)
			return s.readAll(path)
		}
	}
	return nil
}

func (s *Sources) readAll(path string) error {
	env, err := s.readEnv()
	if err != nil {
		return err
	}
	s.values = map[string]sourced{}
	if path = cmp.Or(path, env["config"].text); path != "" {
		if s.values, err = s.readFile(path); err != nil {
			return FileError{err}
		}
	}
	maps.Copy(s.values, env) // which wins
	return nil
}

func (s *Sources) readEnv() (map[string]sourced, error) {
	values := map[string]sourced{}
	for _, entry := range slices.Sorted(slices.Values(s.environ)) {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" || serviceLink(name, text) {
			continue
		}
		flag := flagName(name)
		setting, ok := s.known[flag]
		if !ok {
			return nil, fmt.Errorf("unknown environment variable %s%s",
				name, Suggest(flag, maps.Keys(s.known), envName, unlisted))
		}
		if err := setting.check(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[flag] = sourced{text, "env " + envName(flag)}
	}
	return values, nil
}

// serviceLinkName matches the variables that Kubernetes sets in every pod of a namespace that has a
// service called scurry.
var serviceLinkName = regexp.MustCompile(`^SCURRY_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)$`)

func serviceLink(name, value string) bool {
	return serviceLinkName.MatchString(name) || name == "SCURRY_PORT" &&
		strings.Contains(value, "://")
}

func flagName(env string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(env, envPrefix)), "_", "-")
}

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Resolve implements kong.Resolver.
func (s *Sources) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value, ok := s.values[flag.Name]; ok {
		return value.text, nil
	}
	return nil, nil
}

// Validate implements kong.Resolver. All faults were found when the sources were read.
func (s *Sources) Validate(*kong.Application) error { return nil }

// Provenance returns the sources of the values in ctx, which kong has parsed with s.
func (s *Sources) Provenance(ctx *kong.Context) Provenance {
	p := Provenance{}
	for name := range s.known {
		p[name] = cmp.Or(s.values[name].from, fromDefault)
	}
	for _, element := range ctx.Path {
		if element.Flag != nil && !element.Resolved {
			p[element.Flag.Name] = fromFlag
		}
	}
	return p
}
