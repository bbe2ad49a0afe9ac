package config

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// suggest is the end of an error about an unknown setting: the nearest known one, written as show
// has it, if one is near, else where to look.
func suggest(name string, known iter.Seq[string], show func(flag string) string) string {
	nearest, least, longer := "", len(name)/3+2, 0
	for _, candidate := range slices.Sorted(known) {
		d, more := distance(name, candidate), 0
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

// distance is how many bytes to insert, delete or replace to make a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
