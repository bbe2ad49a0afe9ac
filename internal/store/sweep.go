package store

import (
	"encoding/binary"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// sweepLocked removes, invalidates or expires what a change of the log matches, and returns how many
// stored responses that is. What can't be validated is removed where it would be invalidated. keys
// are the resources that the entries are about, if they are known. Then of all that is stored in the
// same places, only what is for them is swept.
func (s *Store) sweepLocked(c *invalidation.Change, keys []string) (swept int) {
	sweep := map[invalidation.Kind]func(key string) int{
		invalidation.Remove: s.sweepOutLocked, invalidation.Revalidate: s.invalidateLocked,
		invalidation.Expire: s.expireLocked,
	}
	scans := map[invalidation.Kind]invalidation.Scopes{}
	for _, e := range c.Entries {
		matched, found := s.matchedLocked(e.Scope, keys)
		for _, key := range matched {
			swept += sweep[e.Kind](key)
		}
		if !found && scans[e.Kind] == nil {
			scans[e.Kind] = invalidation.Scopes{}
		}
		if !found {
			scans[e.Kind][e.Scope] = true
		}
	}
	for kind, scopes := range scans {
		for _, key := range s.keysWhereLocked(func(key string) bool {
			return scopes.Match(s.resource(key, nil)) // which no group has a part in
		}) {
			swept += sweep[kind](key)
		}
	}
	return swept
}

// sweepOutLocked removes what is stored under key.
func (s *Store) sweepOutLocked(key string) int {
	n := s.countWhere(key, func(rec *Record) bool { return !rec.Pass })
	s.removeLocked(key)
	return n
}

// invalidateLocked has what is stored under key validated before it is used again.
func (s *Store) invalidateLocked(key string) int {
	n := s.countWhere(key, func(rec *Record) bool { return !rec.Invalid || !rec.RetryAfter.IsZero() })
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

// codeSwept is how many stored responses entries matched, for the node that has told of them.
func codeSwept(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func decodeSwept(b []byte) int {
	n, _ := binary.Uvarint(b)
	return int(min(n, 1<<30))
}
