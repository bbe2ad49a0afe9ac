package config

// Provenance says for each setting, by flag name, where its value came from.
type Provenance map[string]string

const (
	fromFlag    = "flag"
	fromDefault = "default"
)

// given reports whether the setting name was set in a source, even to its default.
func (p Provenance) given(name string) bool { return p[name] != "" && p[name] != fromDefault }

// elsewhere returns the source of a setting in parentheses, for an error, or "" if it is a flag on
// the command line.
func (p Provenance) elsewhere(name string) string {
	if p[name] == fromFlag {
		return ""
	}
	return " (" + p[name] + ")"
}
