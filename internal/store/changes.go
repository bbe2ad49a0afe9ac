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

// takeOff returns the present moment, and key's mark: requests with equal marks may share a result.
func (c *changes) takeOff(key string) (now Moment, mark invalidation.Mark) {
	for r := c.resource(key, nil); ; {
		now = c.log.Now()
		if mark, verdict := c.log.Land(r, now.Token); verdict != invalidation.Removed {
			return now, mark
		}
	}
}

// land sets the moment that rec rests on, and returns the mark for its version. The origin was
// asked at began. If rec has been removed since, its version is to be a random name.
func (c *changes) land(rec *Record, key string, began invalidation.Token) (
	mark invalidation.Mark, removed bool,
) {
	now := c.log.Now()
	mark, verdict := c.log.Land(c.resource(key, rec.Groups), began)
	if rec.basis = began; verdict == invalidation.Current {
		rec.basis = now.Token
	}
	return mark, verdict == invalidation.Removed
}

// overtaken reports whether rec has been removed since the moment that it rests on: then it mustn't
// be stored. The caller holds the store's mu until it has stored rec.
func (c *changes) overtaken(rec *Record) bool {
	_, verdict := c.log.Land(c.resourceOf(rec), rec.basis)
	return verdict == invalidation.Removed
}

// doomed reports whether rec, which was found in the table, is to be removed.
func (c *changes) doomed(rec *Record) bool {
	_, verdict := c.log.Stored(c.resourceOf(rec), rec.basis)
	return verdict == invalidation.Removed
}

// outlived reports whether rec's bytes have been removed by an entry that p lacks. A node at p must
// not use them.
func (c *changes) outlived(rec *Record, p *invalidation.Position) bool {
	_, verdict := c.log.Accepts(c.resourceOf(rec), p)
	return verdict == invalidation.Removed
}

// removed reports whether err is another node's refusal of rec's bytes because they have been
// removed. This node, whose position was p, didn't know that then and knows it now. A reader that
// had begun before may read the rest.
func (c *changes) removed(err error, rec *Record, p *invalidation.Position) bool {
	return errors.Is(err, ErrBehind) && c.outlived(rec, p)
}

// variedAt is the count of varied for key.
func (c *changes) variedAt(key string) *atomic.Int64 { return c.varied.at(c.canonical(key)) }
