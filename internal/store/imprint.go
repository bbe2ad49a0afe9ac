package store

import "github.com/scurrycache/scurry/internal/fields"

// asking is what a record remembers of its request, in one string to save memory: the number of
// cells in the imprint, the cells, and the fields that a request for a part repeats.
type asking string

func (a asking) imprint() imprint {
	if a == "" {
		return ""
	}
	return imprint(a[1 : 1+int(a[0])*len(cell{})])
}

func (a asking) selecting() fields.Packed {
	if a == "" {
		return ""
	}
	return fields.Packed(a[1+int(a[0])*len(cell{}):])
}

func askingOf(p imprint, selecting fields.Packed) asking {
	return asking(append([]byte{byte(len(p) / len(cell{}))}, string(p)+string(selecting)...))
}

// imprint is what is remembered of a request's fields: a cell for each. An empty imprint remembers
// nothing, not even that there were no fields.
type imprint string

// cell is a field in few bytes: two of the hash of its name and four of the hash of its value. The
// zero cell stands for a field that a request doesn't have. If two names of a request share a hash,
// no other request agrees with it.
type cell [2 + 4]byte

// maxImprint bounds the fields of a request that are remembered.
const maxImprint = 100
