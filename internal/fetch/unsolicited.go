package fetch

import (
	"sync"
	"time"
)

// mixUps drops what may have been stored of one resource and be another's, as the origin finds out.
type mixUps struct {
	o    *Origin
	drop func(keys []string)
	work sync.WaitGroup

	said time.Time // until when the log has said it; the origin calls one at a time
}

// OnUnsolicited has drop called with the keys of what is to be dropped, here and on the other
// nodes, whatever it is and whether it has come to its end or not: an origin that can tell has seen
// bytes that nobody asked for on their connections. stop, which must be called, waits for drop.
func (o *Origin) OnUnsolicited(drop func(keys []string)) (stop func()) {
	teller, ok := o.Origin.(interface {
		OnUnsolicited(f func(urls []string, until time.Time)) (stop func())
	})
	if !ok {
		return func() {}
	}
	m := &mixUps{o: o, drop: drop}
	stopTelling := teller.OnUnsolicited(m.found)
	return func() {
		stopTelling()
		m.work.Wait()
	}
}

func (m *mixUps) found(urls []string, until time.Time) {
	var keys []string
	for _, u := range urls {
		if key, ok := m.o.Site.KeyFromOrigin(u, ""); ok {
			keys = append(keys, key)
		}
	}
	e := m.o.Log.Debug()
	if until != m.said {
		m.said = until
		e = m.o.Log.Warn()
	}
	e.Int("dropped", len(keys)).Str("until", until.UTC().Format(time.RFC3339)).
		Msg("the origin sent bytes that no request had asked for; " +
			"what came over that connection is dropped, and none is used twice")
	if len(keys) > 0 {
		m.work.Go(func() { m.drop(keys) })
	}
}
