package proxy

import (
	"sync"
	"time"
)

// mixUps drops what may have been stored of one resource and be another's, as the origin finds out.
type mixUps struct {
	p    *Proxy
	stop func()
	work sync.WaitGroup

	said time.Time // until when the log has said it; the origin calls one at a time
}

// watchMixUps has p told by an origin that can tell.
func (p *Proxy) watchMixUps() {
	o, ok := p.cfg.Origin.(interface {
		OnUnsolicited(f func(urls []string, until time.Time)) (stop func())
	})
	if ok {
		p.mixUps = &mixUps{p: p}
		p.mixUps.stop = o.OnUnsolicited(p.mixUps.drop)
	}
}

// close waits for what is being dropped; m may be nil.
func (m *mixUps) close() {
	if m != nil {
		m.stop()
		m.work.Wait()
	}
}

// drop does away with what is stored of the resources at urls, here and on the other nodes,
// whatever it is and whether it has come to its end or not.
func (m *mixUps) drop(urls []string, until time.Time) {
	var keys []string
	for _, u := range urls {
		if key, ok := m.p.site.KeyFromOrigin(u, ""); ok {
			keys = append(keys, key)
		}
	}
	e := m.p.cfg.Logger.Debug()
	if until != m.said {
		m.said = until
		e = m.p.cfg.Logger.Warn()
	}
	e.Int("dropped", len(keys)).Str("until", until.UTC().Format(time.RFC3339)).
		Msg("the origin sent bytes that no request had asked for; what came over that connection is dropped, and none is used twice")
	if len(keys) > 0 {
		m.work.Go(func() { m.p.store.Invalidate(keys, nil) })
	}
}
