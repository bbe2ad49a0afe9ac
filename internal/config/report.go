package config

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"text/tabwriter"
)

// Write writes one line for each setting: its name, its value with credentials replaced, and where
// that came from.
func (c *Config) Write(w io.Writer, p Provenance) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range ordered(reflect.TypeFor[Config]()) {
		value := reflect.ValueOf(c).Elem().FieldByIndex(s.field.Index)
		text := cmp.Or(fmt.Sprint(value.Interface()), "-")
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.name, text, p[s.name])
	}
	return table.Flush()
}
