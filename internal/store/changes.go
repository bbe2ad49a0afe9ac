package store

import (
	"errors"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Moment is a moment of the invalidation log.
type Moment = invalidation.Moment

// changes knows what has been removed, so that the result of an earlier request isn't stored.
// Entries come into the log only under the store's mu, together with the sweep of the table.
type changes struct {
	*keys
	log *invalidation.Log

	// varied counts, by canonical key, how often keys of other nodes have turned out to vary.
	varied counters
}

// resource is what the log's entries are matched against, for a response or a request with that
// key. It has the canonical key, since a response may turn out to belong under another key with the
// same canonical form.
func (c *changes) resource(key string, groups []string) invalidation.Resource {
	return invalidation.Resource{Key: c.canonical(key), Groups: groups}
}

func (c *changes) resourceOf(rec *Record) invalidation.Resource {
	return c.resource(rec.Key, rec.Groups)
}

// overtaken reports whether rec has been removed since the moment that it rests on: then it mustn't
// be stored. The caller holds the store's mu until it has stored rec.
func (c *changes) overtaken(rec *Record) bool {
	return c.log.Check(c.resourceOf(rec), rec.basis) == invalidation.Removed
}

// outlived reports whether an entry that p lacks matches rec. A node at p must not use rec's bytes.
func (c *changes) outlived(rec *Record, p *invalidation.Position) bool {
	_, verdict := c.log.Accepts(c.resourceOf(rec), p)
	return verdict != invalidation.Current
}

// removed reports whether err is another node's refusal of rec's bytes because of such an entry.
// This node, whose position was p, didn't know that then and knows it now. A reader that had begun
// before may read the rest.
func (c *changes) removed(err error, rec *Record, p *invalidation.Position) bool {
	return errors.Is(err, ErrBehind) && c.outlived(rec, p)
}

// variedAt is the count of varied for key.
func (c *changes) variedAt(key string) *atomic.Int64 { return c.varied.at(c.canonical(key)) }
