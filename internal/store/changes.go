package store

import (
	"errors"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Moment is a moment of the invalidation log.
type Moment = invalidation.Moment

// changes is what has been removed, so that what was asked for before isn't stored after. Entries
// come into the log only under the store's mu, together with the sweep of the table.
type changes struct {
	*keys
	log *invalidation.Log

	// varied counts, by canonical key, how often keys of other nodes have turned out to vary.
	varied counters
}

// resource is what entries are matched against: what is stored under key, or asked for. Its key is
// the canonical one, since a response may turn out to be for other keys with the same.
func (c *changes) resource(key string, groups []string) invalidation.Resource {
	return invalidation.Resource{Key: c.canonical(key), Groups: groups}
}

func (c *changes) resourceOf(rec *Record) invalidation.Resource {
	return c.resource(rec.Key, rec.Groups)
}

// takeOff is now, and the mark of key: requests with equal ones may share an answer.
func (c *changes) takeOff(key string) (now Moment, mark invalidation.Mark) {
	for r := c.resource(key, nil); ; {
		now = c.log.Now()
		if mark, verdict := c.log.Land(r, now.Token); verdict != invalidation.Removed {
			return now, mark
		}
	}
}

// land says what rec rests on, for which the origin was asked at began, and what mark its version
// has. If it is removed, the version is to be a random name.
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

// overtaken reports whether rec has been removed since what it rests on: it mustn't be stored then.
// The store's mu is to be held until it is.
func (c *changes) overtaken(rec *Record) bool {
	_, verdict := c.log.Land(c.resourceOf(rec), rec.basis)
	return verdict == invalidation.Removed
}

// doomed reports whether rec, which was found in the table, is to be removed from there.
func (c *changes) doomed(rec *Record) bool {
	_, verdict := c.log.Stored(c.resourceOf(rec), rec.basis)
	return verdict == invalidation.Removed
}

// outlived reports whether a node that knows no more than p has no right to rec's bytes any more.
func (c *changes) outlived(rec *Record, p *invalidation.Position) bool {
	_, verdict := c.log.Accepts(c.resourceOf(rec), p)
	return verdict == invalidation.Removed
}

// removed reports whether err is what another node has answered because rec's bytes have been
// removed and this node, which knew no more than p, was about to use them all the same. By now it
// knows that. Of bytes that it has been reading since before, it may read the rest.
func (c *changes) removed(err error, rec *Record, p *invalidation.Position) bool {
	return errors.Is(err, ErrBehind) && c.outlived(rec, p)
}

// variedAt is the count of varied for key.
func (c *changes) variedAt(key string) *atomic.Int64 { return c.varied.at(c.canonical(key)) }
