package store

import (
	"sync"

	"github.com/scurrycache/scurry/internal/wire"
)

// A response may say that its resource varies by a field (Vary) after another one, that didn't, has
// been given to other nodes. They would answer from their near copies whatever a request has in
// that field, so the owner has them drop these. One that can't be told has them for a lease.

// variesLocked is called when a record of this node's own has come under e's key. Before that,
// names told the variants apart.
func (s *Store) variesLocked(e *entry, names []string) {
	if s.cfg.Node == nil || len(merged(names, e.varyFor(true))) == len(names) || !s.beginLocked() {
		return
	}
	message := appendString([]byte{reqVaries}, e.key())
	go func() {
		defer s.work.Done()
		var told sync.WaitGroup
		for _, p := range s.cfg.Node.Peers() {
			told.Go(func() { _ = s.notify(p, message) })
		}
		told.Wait()
	}()
}

// serveVaries drops what is stored under a key of the node that says so, or is on its way.
func (s *Store) serveVaries(c *wire.Call, d *decoder) {
	key := d.string()
	if d.bad || s.cfg.Keys.Check(key) != nil {
		s.refuse(c, errBusy)
		return
	}
	if s.ownerOf(key) != nil { // else this node knows by itself
		s.mu.Lock()
		s.varied.raise(s.cfg.Keys.CanonicalKey(key))
		s.removeLocked(key)
		s.mu.Unlock()
	}
	reply(c, []byte{respOK}, nil)
}

// outdatedLocked reports whether what f has brought may be no copy to answer others from: since f
// took off, its resource has turned out to vary.
func (s *Store) outdatedLocked(f *flight) bool {
	return f.varied != s.varied.of(s.cfg.Keys.CanonicalKey(f.req.Key))
}
