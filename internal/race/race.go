// Package race tells tests whether the race detector is on.
package race

// Cases is how many random cases a test draws where a case runs in one goroutine: n, or a tenth of
// them under the race detector. It makes each take ten times as long and finds nothing in them.
func Cases(n int) int {
	if Enabled {
		return n / 10
	}
	return n
}
