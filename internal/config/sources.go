package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

const envPrefix = "SCURRY_"

// Sources is the settings that the environment and a file hold. As a kong.Option it has kong ask it
// for the flags that aren't on the command line. It serves one Parse.
type Sources struct {
	environ   []string
	env, file map[string]string // values by flag name
	path      string            // of the file
}

// settings is all settings by flag name.
func settings() map[string]setting {
	all := map[string]setting{}
	for _, s := range ordered(reflect.TypeFor[Config]()) {
		all[s.name] = s
	}
	return all
}

// NewSources returns the sources that environ, entries such as os.Environ's, makes up together with
// the file that --config or SCURRY_CONFIG names. They are read once kong has seen the command line,
// if the command has a --config.
func NewSources(environ []string) *Sources { return &Sources{environ: environ} }

// Apply implements kong.Option.
func (s *Sources) Apply(k *kong.Kong) error {
	for _, setting := range settings() {
		if _, parses := reflect.New(setting.field.Type).Interface().(encoding.TextUnmarshaler); parses {
			if err := kong.TypeMapper(setting.field.Type, setting.mapper()).Apply(k); err != nil {
				return err
			}
		}
	}
	if err := kong.Resolvers(s).Apply(k); err != nil {
		return err
	}
	return kong.WithBeforeResolve(s.read).Apply(k)
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
	if err := s.readEnv(); err != nil {
		return err
	}
	if path == "" {
		path = s.env["config"]
	}
	if path == "" {
		return nil
	}
	values, err := readFile(path, settings())
	s.path, s.file = path, values
	return err
}

func (s *Sources) readEnv() error {
	s.env = map[string]string{}
	known := settings()
	for _, entry := range slices.Sorted(slices.Values(s.environ)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || serviceLink(name, value) {
			continue
		}
		flag := flagName(name)
		setting, ok := known[flag]
		if !ok {
			return fmt.Errorf("unknown environment variable %s%s",
				name, suggest(flag, maps.Keys(known), envName))
		}
		if err := setting.check(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.env[flag] = value
	}
	return nil
}

// Kubernetes sets variables of these names in every pod of a namespace that has a service called
// scurry.
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
	if value, ok := s.env[flag.Name]; ok {
		return value, nil
	}
	if value, ok := s.file[flag.Name]; ok {
		return value, nil
	}
	return nil, nil
}

// Validate implements kong.Resolver. Reading the sources has found all faults already.
func (s *Sources) Validate(*kong.Application) error { return nil }

// Provenance says where kong took the values of ctx from, which it has parsed with s.
func (s *Sources) Provenance(ctx *kong.Context) Provenance {
	p := Provenance{}
	for flag := range settings() {
		p[flag] = s.of(flag)
	}
	for _, element := range ctx.Path {
		if element.Flag != nil && !element.Resolved {
			p[element.Flag.Name] = fromFlag
		}
	}
	return p
}

func (s *Sources) of(flag string) string {
	if _, ok := s.env[flag]; ok {
		return "env " + envName(flag)
	}
	if _, ok := s.file[flag]; ok {
		return "file " + s.path
	}
	return fromDefault
}
