package config

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggest is the end of an error about an unknown setting: the nearest known one, written as show
// has it, if one is near, else where to look.
func suggest(name string, known iter.Seq[string], show func(flag string) string) string {
	nearest, least, longer := "", len(name)/3+2, 0
	for _, candidate := range slices.Sorted(known) {
		d, more := levenshtein.ComputeDistance(name, candidate), 0
		if strings.HasPrefix(candidate, name) {
			d, more = 1, d
		}
		if d < least || d == least && more < longer {
			nearest, least, longer = candidate, d, more
		}
	}
	if nearest == "" {
		return ` ("scurry serve --help" lists what there is)`
	}
	return fmt.Sprintf(", did you mean %s?", show(nearest))
}
