package config

// Provenance says for each setting, by flag name, where its value came from.
type Provenance map[string]string

const (
	fromFlag    = "flag"
	fromDefault = "default"
)

// given reports whether the setting name was set somewhere, be it to its default.
func (p Provenance) given(name string) bool { return p[name] != "" && p[name] != fromDefault }

// elsewhere names in parentheses where a setting that isn't a flag on the command line came from,
// for an error.
func (p Provenance) elsewhere(name string) string {
	if p[name] == fromFlag {
		return ""
	}
	return " (" + p[name] + ")"
}
