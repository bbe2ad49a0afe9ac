package store

import "github.com/scurrycache/scurry/internal/invalidation"

// Two nodes exchange their invalidation logs before they talk of anything else: each sends its
// Position, gets the other one's Reply, and takes that in by Merge.

// logBytes bounds the log, so that all of it fits into one message to another node. A message may
// have 1 MiB; the rest is room for what is known of 6,000 incarnations of nodes.
var logBytes = [...]int{
	invalidation.Remove: 366 << 10, invalidation.Revalidate: 183 << 10,
	invalidation.Expire: 183 << 10,
}

// Position is the position of this node's log.
func (s *Store) Position() *invalidation.Position { return s.log.Now().Position }

// Behind reports whether p, the position of another node, has entries that this node doesn't know.
func (s *Store) Behind(p *invalidation.Position) bool { return s.log.Behind(p) }

// Reply is what a node at p doesn't know.
func (s *Store) Reply(p *invalidation.Position) *invalidation.Reply { return s.log.Reply(p) }

// Merge takes in a Reply of another node, and sweeps the table for the entries that this node has
// missed.
func (s *Store) Merge(reply *invalidation.Reply) error {
	s.mu.Lock()
	c, err := s.log.Merge(reply)
	s.sweepLocked(&c, nil)
	s.mu.Unlock()
	s.changed(&c)
	return err
}
