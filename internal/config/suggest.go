package config

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// unlisted ends an error about an unknown setting that is like none.
const unlisted = ` ("scurry serve --help" lists what there is)`

// Suggest ends an error about an unknown name with the nearest known one, as show writes it, or
// with otherwise if none is near.
func Suggest(name string, known iter.Seq[string], show func(string) string,
	otherwise string) string {
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
		return otherwise
	}
	return fmt.Sprintf(", did you mean %s?", show(nearest))
}
