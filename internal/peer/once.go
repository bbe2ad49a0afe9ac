package peer

import (
	"crypto/sha256"
	"strings"
)

// maxOnce is how many things are remembered that have been warned of.
const maxOnce = 256

// once writes each warning once, as far as it remembers them: what is misconfigured is so at each
// attempt. The zero value is ready for use. It must be guarded.
type once struct {
	seen   map[[sha256.Size]byte]bool
	oldest [][sha256.Size]byte
}

// once calls write unless it has done so about the same.
func (o *once) once(write func(), about ...string) {
	key := sha256.Sum256([]byte(strings.Join(about, "\x00")))
	if o.seen[key] {
		return
	}
	if o.seen == nil {
		o.seen = map[[sha256.Size]byte]bool{}
	}
	if len(o.oldest) == maxOnce {
		delete(o.seen, o.oldest[0])
		o.oldest = o.oldest[1:]
	}
	o.seen[key] = true
	o.oldest = append(o.oldest, key)
	write()
}

// few is list, cut to what fits into a line of log: it may be a peer's.
func few(list []string) []string {
	short := make([]string, 0, min(len(list), 64))
	for _, s := range list[:min(len(list), 64)] {
		short = append(short, s[:min(len(s), 256)])
	}
	return short
}
