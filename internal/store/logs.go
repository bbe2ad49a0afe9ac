package store

import "github.com/scurrycache/scurry/internal/invalidation"

// Two nodes exchange their invalidation logs before they talk of anything else: each asks with
// PullRequest, is answered with PullReply, and takes that with Merge.

// logBytes bounds the log so that all of it fits into one message to another node: of one that may
// be as long as 1 MiB, it leaves room for what is known of 10,000 runs of nodes.
var logBytes = [2]int{invalidation.Remove: 700 << 10, invalidation.Revalidate: 32 << 10}

// Position is what this node's log has.
func (s *Store) Position() *invalidation.Position { return s.log.Now().Position }

// Behind reports whether another node, whose log has p, has told it something that this one doesn't
// know.
func (s *Store) Behind(p *invalidation.Position) bool { return s.log.Behind(known(p)) }

// PullRequest asks for what another node's log has and this one's lacks.
func (s *Store) PullRequest() []byte { return s.log.PullRequest() }

// PullReply answers a PullRequest of another node.
func (s *Store) PullReply(request []byte) ([]byte, error) {
	return s.log.PullReply(request)
}

// Merge takes a PullReply of another node, and removes what this one has missed that it be removed.
func (s *Store) Merge(reply []byte) error {
	s.mu.Lock()
	c, err := s.log.Merge(reply)
	s.sweepLocked(&c, nil)
	s.mu.Unlock()
	s.changed(&c)
	return err
}
