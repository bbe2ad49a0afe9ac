package config

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"
)

// Value is one setting as operators are told of it.
type Value struct {
	Name   string // of the flag
	Value  string // with credentials replaced; empty if it isn't set
	Source string // where it came from
}

// Report returns all settings, in their order.
func (c *Config) Report(p Provenance) (values []Value) {
	for _, s := range settings(c) {
		values = append(values, Value{s.Name, fmt.Sprint(s.Target.Interface()), p[s.Name]})
	}
	return values
}

// Write writes one line for each setting: its name, its value with credentials replaced, and where
// that came from.
func (c *Config) Write(w io.Writer, p Provenance) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range c.Report(p) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, cmp.Or(v.Value, "-"), v.Source)
	}
	return table.Flush()
}

// Change is a setting whose value isn't the same in two Configs.
type Change struct {
	Name, Old, New string // the values as in Write
	Live           bool   // it can change while the node runs
}

// String is the change in words.
func (c Change) String() string { return fmt.Sprintf("%s is %s, and was %s", c.Name, c.New, c.Old) }

// Changes returns the settings that differ between c and next, both of which are derived.
func (c *Config) Changes(next *Config) (changes []Change) {
	after := settings(next)
	for i, s := range settings(c) {
		from, to := s.Target.Interface(), after[i].Target.Interface()
		if reflect.DeepEqual(from, to) {
			continue
		}
		changes = append(changes, Change{
			Name: s.Name, Old: shown(from), New: shown(to),
			Live: s.Tag.Get("reload") == "live" && c.alike(next, s.Name),
		})
	}
	return changes
}

// alike reports whether the setting of that name, which can change live, isn't turned on or off,
// and is of the same kind in next.
func (c *Config) alike(next *Config, name string) bool {
	switch name {
	case "peers":
		return c.Peers.listed() && next.Peers.listed()
	case "peer-tls-cert", "peer-tls-key", "peer-tls-ca":
		return c.PeerTLSCert != "" && next.PeerTLSCert != ""
	case "gossip-key-file":
		return c.GossipKeyFile != "" && next.GossipKeyFile != ""
	}
	return true
}

// listed reports whether s is the nodes themselves, and not where to find them.
func (s PeerSource) listed() bool {
	return s != "" && !s.fromDNS() && !strings.HasPrefix(string(s), "file:")
}

// shown is the text of a setting's value for a reader, with credentials replaced.
func shown(value any) string { return cmp.Or(fmt.Sprint(value), "-") }
