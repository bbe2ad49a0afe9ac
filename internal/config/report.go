package config

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Write writes one line for each setting: its name, its value with credentials replaced, and where
// that came from.
func (c *Config) Write(w io.Writer, p Provenance) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range settings(c) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, shown(s.Target.Interface()), p[s.Name])
	}
	return table.Flush()
}
