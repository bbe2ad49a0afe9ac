package config

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggest ends an error about an unknown setting with the nearest known one, as show writes it. If
// none is near, it says where all are listed.
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
