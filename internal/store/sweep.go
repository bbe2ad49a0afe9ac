package store

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Swept is what entries have matched among what is stored on one node.
type Swept struct {
	Responses int

	// Lasts is how long one of these may be used from its validation on, at the most; Forever if
	// that isn't known.
	Lasts time.Duration
}

// Forever bounds nothing.
const Forever time.Duration = math.MaxInt64

func (s *Swept) add(o Swept) {
	s.Responses += o.Responses
	s.Lasts = max(s.Lasts, o.Lasts)
}

// sweepLocked removes, invalidates or expires what a change of the log matches. What can't be
// validated is removed where it would be invalidated. keys are the resources that the entries are
// about, if they are known. Then of all that is stored under the same canonical forms, only what is
// for them is swept.
func (s *Store) sweepLocked(c *invalidation.Change, keys []string) (swept Swept) {
	kinds := map[invalidation.Kind]func(key string) int{
		invalidation.Remove: s.sweepOutLocked, invalidation.Revalidate: s.invalidateLocked,
		invalidation.Expire: s.expireLocked,
	}
	sweep := func(kind invalidation.Kind, key string) {
		lasts := s.lasts(key)
		if n := kinds[kind](key); n > 0 {
			swept.add(Swept{n, lasts})
		}
	}
	scans := map[invalidation.Kind]invalidation.Scopes{}
	for _, e := range c.Entries {
		matched, found := s.matchedLocked(e.Scope, keys)
		for _, key := range matched {
			sweep(e.Kind, key)
		}
		if found {
			continue
		}
		if scans[e.Kind] == nil {
			scans[e.Kind] = invalidation.Scopes{}
		}
		scans[e.Kind][e.Scope] = true
	}
	for kind, scopes := range scans {
		for _, key := range s.keysWhereLocked(func(key string) bool {
			return scopes.Match(s.resource(key, nil)) // which no group has a part in
		}) {
			sweep(kind, key)
		}
	}
	return swept
}

// lasts is Swept's, for what is stored under key.
func (s *Store) lasts(key string) (lasts time.Duration) {
	for _, rec := range s.look(key).variants {
		switch {
		case rec.Expired != 0: // its facts aren't those that the origin stated
			return Forever
		case !rec.Pass:
			lasts = max(lasts, rec.Facts.Lasts(s.cfg.Now()))
		}
	}
	return lasts
}

// sweepOutLocked removes what is stored under key.
func (s *Store) sweepOutLocked(key string) int {
	n := s.countWhere(key, func(rec *Record) bool { return !rec.Pass })
	s.removeLocked(key)
	return n
}

// invalidateLocked has what is stored under key validated before it is used again.
func (s *Store) invalidateLocked(key string) int {
	n := s.countWhere(key, func(rec *Record) bool {
		return !rec.Invalid || !rec.RetryAfter.IsZero()
	})
	if n == 0 {
		return 0
	}
	s.deleteLocked(key, func(rec *Record) bool { return !httpcache.Validatable(rec.Header()) })
	s.retryLocked(key, func(rec *Record) { rec.Invalid = true })
	return n
}

// expireLocked makes what is stored under key stale.
func (s *Store) expireLocked(key string) int {
	n := s.countWhere(key, func(rec *Record) bool {
		return !rec.Pass && (rec.Expired == 0 || !rec.RetryAfter.IsZero())
	})
	if n > 0 {
		now := s.cfg.Now()
		s.retryLocked(key, func(rec *Record) { rec.expire(now) })
	}
	return n
}

// retryLocked changes all records under key, whose validation may work now if it has failed.
func (s *Store) retryLocked(key string, change func(*Record)) {
	s.changeLocked(key, func(*Record) bool { return true }, func(rec *Record) {
		change(rec)
		rec.RetryAfter, rec.failure = 0, nil
	})
}

// code is s for the node that has told of the entries.
func (s Swept) code() []byte {
	b := binary.AppendUvarint(nil, uint64(s.Responses))
	return binary.AppendUvarint(b, uint64(s.Lasts))
}

// decodeSwept reads what code has written; what it can't read it takes for Forever.
func decodeSwept(b []byte) Swept {
	responses, n := binary.Uvarint(b)
	lasts, m := binary.Uvarint(b[max(0, n):])
	if m <= 0 || lasts > uint64(Forever) {
		lasts = uint64(Forever)
	}
	return Swept{int(min(responses, 1<<30)), time.Duration(lasts)}
}
