// Package memory has the memory that contents are read into. It comes from Go's heap, in huge pages
// where the system has them: a page that is touched for the first time costs the system more than
// it takes to read its bytes from a socket, and a chunk of 1 MiB has 256 small ones.
package memory

// least is how large contents must be for huge pages. What is smaller lies among values that have
// other uses.
const least = 32 << 10

// Make returns memory for n bytes of content, which are zero. The garbage collector frees it.
func Make(n int64) []byte {
	b := make([]byte, n)
	if n >= least {
		advise(b) // which nobody has touched yet, if it is new to the process
	}
	return b
}
