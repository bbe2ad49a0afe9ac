package store

import "github.com/scurrycache/scurry/internal/invalidation"

// sight is what this node knew of invalidations when the record that is read was last held against
// them. It goes with what is asked of other nodes for the bytes, since one that knows better isn't
// to give them. It is used by one goroutine at a time.
type sight struct{ seen *invalidation.Position }
