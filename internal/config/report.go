package config

import (
	"cmp"
	"fmt"
	"io"
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
